"""`python contender.py KIND CHECKPOINT THREADS`: one way to encode products, in a process and environment of its own.

Reads a JSON request a line and answers with one: `products` times a whole set at a batch size, `query` one text at a
time, `rows` gives embeddings to compare. Imports nothing of the project but where the contender is the project.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parent))

from inputs import pictures, texts  # type: ignore[import-not-found]


class Bare:
    """The model's own forward passes over inputs that are ready before the clock starts."""

    def __init__(self, checkpoint: str, threads: int) -> None:
        import torch
        from transformers import AutoModel, AutoProcessor

        torch.set_num_threads(threads)
        self.torch = torch
        self.model = AutoModel.from_pretrained(checkpoint, dtype=torch.float32).eval()
        self.processor = AutoProcessor.from_pretrained(checkpoint)
        self.most = min(
            self.model.config.text_config.max_position_embeddings, self.processor.tokenizer.model_max_length
        )
        self.ready: dict[Any, Any] = {}

    def text(self, part: list[str]) -> Any:
        return self.processor.tokenizer(part, padding=True, truncation=True, max_length=self.most, return_tensors="pt")

    def image(self, part: list[Any]) -> Any:
        return self.processor.image_processor(part, return_tensors="pt")

    def prepare(self, titles: list[str], photos: list[Any], batch: int) -> list[Any]:
        """Inputs by batch, texts of like length together."""
        titles = sorted(titles, key=len)
        starts = range(0, len(titles), batch)
        return [(self.text(titles[at : at + batch]), self.image(photos[at : at + batch])) for at in starts]

    def run(self, prepared: list[Any]) -> None:
        with self.torch.inference_mode():
            for text, image in prepared:
                self.model.get_text_features(**text)
                self.model.get_image_features(**image)

    def query(self, title: str) -> None:
        with self.torch.inference_mode():
            self.model.get_text_features(**self.text([title]))

    def rows(self, titles: list[str], photos: list[Any]) -> list[Any]:
        found = []
        with self.torch.inference_mode():
            for features in (
                self.model.get_text_features(**self.text(titles)),
                self.model.get_image_features(**self.image(photos)),
            ):
                tensor = getattr(features, "pooler_output", features)
                found += self.torch.nn.functional.normalize(tensor, dim=-1).tolist()
        return found


class BareWhole(Bare):
    """The same with the checkpoint's own tokenizer and image processor inside the clock."""

    def prepare(self, titles: list[str], photos: list[Any], batch: int) -> list[Any]:
        return [titles, photos, batch]

    def run(self, prepared: list[Any]) -> None:
        super().run(super().prepare(*prepared))


class Ours:
    """The project's encoder, from pictures prepared as the decoding processes do."""

    runtime: ClassVar[dict[str, Any]] = {"backend": "auto", "precision": "auto"}

    def __init__(self, checkpoint: str, threads: int) -> None:
        from encoders.inference.runtime import Runtime
        from encoders.loading import load_encoder

        self.encoder = load_encoder(checkpoint, Runtime("cpu", threads=threads or 0, **self.runtime))

    def prepare(self, titles: list[str], photos: list[Any], batch: int) -> list[Any]:
        # In the same batches as the bare model, which come of whole sets too.
        titles = sorted(titles, key=len)
        pixels = self.prepared(photos)
        return [(titles[at : at + batch], pixels[at : at + batch]) for at in range(0, len(titles), batch)]

    def prepared(self, photos: list[Any]) -> list[Any]:
        return [self.encoder.preparer(photo) for photo in photos]

    def run(self, prepared: list[Any]) -> None:
        for titles, pixels in prepared:
            self.encoder.encode_texts(titles)
            self.encoder.encode_images(pixels)

    def query(self, title: str) -> None:
        self.encoder.encode_texts([title])

    def rows(self, titles: list[str], photos: list[Any]) -> list[Any]:
        pixels = [self.encoder.preparer(photo) for photo in photos]
        return [*self.encoder.encode_texts(titles).tolist(), *self.encoder.encode_images(pixels).tolist()]


class OursTorch(Ours):
    """The project's encoder by torch in float32."""

    runtime: ClassVar[dict[str, Any]] = {"backend": "torch", "precision": "float32"}


class OursWhole(Ours):
    """The project's encoder with framing and resizing inside the clock, on all threads, as other resizers do."""

    def __init__(self, checkpoint: str, threads: int) -> None:
        super().__init__(checkpoint, threads)
        self.pool = ThreadPoolExecutor(threads or 1)

    def prepared(self, photos: list[Any]) -> list[Any]:
        return list(self.pool.map(self.encoder.preparer, photos))

    def prepare(self, titles: list[str], photos: list[Any], batch: int) -> list[Any]:
        return [titles, photos, batch]

    def run(self, prepared: list[Any]) -> None:
        super().run(super().prepare(*prepared))


class SentenceTransformers:
    """The library sentence-transformers."""

    def __init__(self, checkpoint: str, threads: int) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        try:
            self.model = SentenceTransformer(checkpoint, device="cpu")
        except Exception:
            from sentence_transformers import models

            self.model = SentenceTransformer(modules=[models.CLIPModel(checkpoint)], device="cpu")

    def prepare(self, titles: list[str], photos: list[Any], batch: int) -> list[Any]:
        return [titles, photos, batch]

    def run(self, prepared: list[Any]) -> None:
        titles, photos, batch = prepared
        for inputs in (titles, photos):
            self.model.encode(inputs, batch_size=batch, normalize_embeddings=True, show_progress_bar=False)

    def query(self, title: str) -> None:
        self.model.encode([title], normalize_embeddings=True, show_progress_bar=False)

    def rows(self, titles: list[str], photos: list[Any]) -> list[Any]:
        return [
            *self.model.encode(titles, normalize_embeddings=True, show_progress_bar=False).tolist(),
            *self.model.encode(photos, normalize_embeddings=True, show_progress_bar=False).tolist(),
        ]


class Infinity:
    """The library infinity_emb, by its own batching engine."""

    def __init__(self, checkpoint: str, threads: int) -> None:
        import torch
        from infinity_emb import AsyncEmbeddingEngine, EngineArgs

        torch.set_num_threads(threads)
        self.loop = asyncio.new_event_loop()
        self.engines: dict[int, Any] = {}
        self.start = lambda batch: AsyncEmbeddingEngine.from_args(
            EngineArgs(
                model_name_or_path=checkpoint,
                engine="torch",
                device="cpu",
                batch_size=batch,
                compile=False,
                bettertransformer=False,
                model_warmup=False,
            )
        )
        self.engine(32)

    def engine(self, batch: int) -> Any:
        if batch not in self.engines:
            self.engines[batch] = self.start(batch)
            self.loop.run_until_complete(self.engines[batch].astart())
        return self.engines[batch]

    def prepare(self, titles: list[str], photos: list[Any], batch: int) -> list[Any]:
        return [titles, photos, self.engine(batch)]

    def run(self, prepared: list[Any]) -> None:
        titles, photos, engine = prepared

        async def both() -> None:
            await asyncio.gather(engine.embed(sentences=titles), engine.image_embed(images=photos))

        self.loop.run_until_complete(both())

    def query(self, title: str) -> None:
        self.loop.run_until_complete(self.engine(32).embed(sentences=[title]))

    def rows(self, titles: list[str], photos: list[Any]) -> list[Any]:
        engine = self.engine(32)
        text, _ = self.loop.run_until_complete(engine.embed(sentences=titles))
        image, _ = self.loop.run_until_complete(engine.image_embed(images=photos))
        return [[float(one) for one in row] for row in (*text, *image)]


KINDS = {
    "bare": Bare,
    "bare-whole": BareWhole,
    "ours": Ours,
    "ours-torch": OursTorch,
    "ours-whole": OursWhole,
    "sentence-transformers": SentenceTransformers,
    "infinity_emb": Infinity,
}


def answer(contender: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked, and say how long it took."""
    if request["do"] == "rows":
        return {"rows": contender.rows(texts(request["count"]), pictures(request["count"]))}
    if request["do"] == "query":
        took = []
        for title in texts(request["count"]):
            started = time.perf_counter()
            contender.query(title)
            took.append(time.perf_counter() - started)
        return {"ms": 1000 * sorted(took)[len(took) // 2]}
    prepared = contender.prepare(texts(request["count"]), pictures(request["count"]), request["batch"])
    started = time.perf_counter()
    contender.run(prepared)
    return {"per_s": request["count"] / (time.perf_counter() - started), "rss_mb": _rss_mb()}


def _rss_mb() -> float:
    with contextlib.suppress(OSError), Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
    return 0.0


def main() -> None:
    """Serve requests until there are no more."""
    kind, checkpoint, threads = sys.argv[1:]
    # What libraries print must not mix with answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        contender = KINDS[kind](checkpoint, int(threads))
        for line in sys.stdin:
            print(json.dumps(answer(contender, json.loads(line))), file=out, flush=True)
    except BaseException:
        traceback.print_exc()
        # Threads that a library left running would keep the process, and who waits for its answer.
        os._exit(1)


if __name__ == "__main__":
    main()
