"""What a model does on the device by itself: the same vectors, how fast, and in how much memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from encoders.huggingface.dual_encoder import HfDualEncoder
from encoders.inference.forward_pass import ForwardPass, stage
from encoders.inference.parity import min_cosine
from encoders.inference.runtime import Runtime
from encoders.loading import load_encoder
from encoders.media.images import decode_and_prepare
from encoders.media.preparation import Pixels
from encoders.port import Encoder
from tests.bench.gpu import products


@dataclass(frozen=True, slots=True)
class Model:
    """A model, and how it is run on the device."""

    name: str
    encoder: str
    precision: str = "bfloat16"
    compile: bool = False

    def load(self, device: str) -> Encoder:
        """The encoder."""
        return load_encoder(self.encoder, Runtime(device, "torch", self.precision, self.compile))  # type: ignore[arg-type]


def parity(model: Model, device: str) -> dict[str, float]:
    """The least cosine between the device's embeddings and those of a CPU in float32, by precision."""
    exact = load_encoder(model.encoder, Runtime("cpu", "torch", "float32"))
    expected = _embeddings(exact)
    found: dict[str, float] = {}
    for precision in ("float32", "bfloat16"):
        encoder = load_encoder(model.encoder, Runtime(device, "torch", precision))
        found[precision] = float(min_cosine(expected, _embeddings(encoder)))
    return found


def alone(model: Model, device: str, seconds: float) -> dict[str, Any]:
    """Products/s of titles and prepared pictures, the next pass prepared while the device computes one."""
    began = time.monotonic()
    encoder = model.load(device)
    loaded_s = time.monotonic() - began
    pixels = _prepared(encoder)
    titles = products.titles()[: products.BATCH]
    host = _passes_per_s(lambda: [stage(encoder, "texts", titles), stage(encoder, "images", pixels)], seconds)
    found: dict[str, Any] = {"load_s": loaded_s, "products_per_s": host * products.BATCH}
    if isinstance(encoder, HfDualEncoder):
        found["device_products_per_s"] = products.BATCH * _device_passes_per_s(encoder, titles, pixels, seconds)
    if device.startswith("cuda"):
        found["memory_mib"] = torch.cuda.max_memory_allocated() / 2**20
        torch.cuda.reset_peak_memory_stats()
    return found


def decoding(model: Model, device: str, seconds: float) -> dict[str, Any]:
    """Pictures/s of a core by Pillow, and of the device by nvJPEG, each resized to the model's input."""
    preparer = model.load("cpu").preparer
    files = products.jpegs()
    found: dict[str, Any] = {
        "pillow_a_core": products.BATCH
        * _per_s(lambda: [decode_and_prepare(file, preparer) for file in files[: products.BATCH]], seconds)
    }
    if device.startswith("cuda"):
        from encoders.workers.device_images import DeviceDecoder

        decode = DeviceDecoder(torch.device(device), preparer)
        batch = files[: products.BATCH]
        found["nvjpeg_decoded_share"] = sum(one is not None for one in decode(batch)) / len(batch)
        found["nvjpeg"] = products.BATCH * _per_s(lambda: decode(batch), seconds)
    return found


def _embeddings(encoder: Encoder) -> tuple[np.ndarray, np.ndarray]:
    return encoder.encode_texts(products.titles()[: products.BATCH]), encoder.encode_images(_prepared(encoder))


def _prepared(encoder: Encoder) -> list[Pixels]:
    return [decode_and_prepare(jpeg, encoder.preparer) for jpeg in products.jpegs()[: products.BATCH]]


def _passes_per_s(prepare: Callable[[], Sequence[ForwardPass]], seconds: float) -> float:
    """Batches/s: one is computed while the next one is prepared."""
    waiting: list[Sequence[ForwardPass]] = [prepare()]
    for one in waiting[0]:
        one.launch()

    def step() -> None:
        following = prepare()
        for one in waiting[0]:
            one.rows()
        for one in following:
            one.launch()
        waiting[0] = following

    return _per_s(step, seconds)


@torch.inference_mode()
def _device_passes_per_s(
    encoder: HfDualEncoder, titles: Sequence[str], pixels: Sequence[Pixels], seconds: float
) -> float:
    """Batches/s of the towers on what is in the device's memory: what nothing can be faster than."""
    texts = encoder._text_inputs(encoder.texts.token_ids(titles))
    images = encoder._image_inputs([*pixels])

    def step() -> None:
        for _ in range(4):
            encoder._text_features(texts)
            encoder._image_features(images)
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return 4 * _per_s(step, seconds)


def _per_s(step: Callable[[], object], seconds: float) -> float:
    """How often a second; once before, for what is made ready the first time."""
    step()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        step()
        count += 1
    return count / (time.perf_counter() - began)
