"""Text and image towers run by OpenVINO on a CPU, without torch in the process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from encoders import checkpoints
from encoders.backends.conversion_cache import converted_model
from encoders.backends.image_passes import MAX_BATCH, ImagePasses, streams_of
from encoders.backends.manifest import IMAGE_TOWER, TEXT_TOWER, TOKENIZER, WORD_TABLE, WORD_VECTORS, Manifest
from encoders.backends.word_table import WordTable
from encoders.errors import ModelUnavailable
from encoders.inference.buckets import BatchLimit, length_buckets, padded_count, padded_length
from encoders.inference.runtime import MIN_PARITY_COSINE, Runtime
from encoders.inference.tokens import TextBatcher, compiled_tokeniser
from encoders.media.preparation import Pixels
from encoders.spec import EmbeddingSpec, FloatArray, normalise_rows

MAX_PASS_TOKENS: Final = 1280
"""Of all texts of one pass together, padding included: of more, passes are no faster, and take more memory."""
_FORMAT: Final = 3
"""Number of the format of directories in the cache; those of another number are not used."""
_HINTS: Final = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}


def is_installed() -> bool:
    """Whether the package is there, without loading it."""
    return find_spec("openvino") is not None


class OpenVinoEncoder:
    """A dual encoder behind the `Encoder` port, from a checkpoint that is converted on its first use."""

    def __init__(self, directory: Path, runtime: Runtime, name: str | None = None) -> None:
        """Load a checkpoint's converted towers from the cache; convert it where they are not there.

        Args:
            directory: has config, safetensors weights, tokenizer and image processor.
            runtime: precision, threads and cache; its device and backend are ignored.
            name: the model's name in the spec; the directory's own name if absent.

        Raises:
            ModelUnavailable: the checkpoint cannot be loaded, has parts that OpenVINO lacks, has other embeddings once
                it is converted, or needs packages for the conversion that are not installed.
        """
        if runtime.precision == "float16" or runtime.compile:
            raise ModelUnavailable("openvino takes neither encoder.precision = float16 nor encoder.compile")
        checkpoints.check_dual_encoder(directory)
        content = checkpoints.content_version(directory)
        weights = "int8" if runtime.precision == "int8" else "float32"
        instructions = "-bf16" if has_bfloat16() else ""
        key = f"{content}-openvino-{version('openvino')}-{weights}{instructions}-{_FORMAT}"
        ready = converted_model(directory, runtime.cache_path, key, weights)
        manifest = Manifest.read(ready)
        self.precisions = _chosen_precisions(manifest, runtime, directory)
        self.spec = EmbeddingSpec(name or directory.resolve().name, content + runtime.version_suffix, manifest.dim)
        self.preparer = manifest.preparer
        self.prompts = checkpoints.prompts_of(directory)
        self._model = OpenVinoTowers(ready, manifest, self.precisions, runtime.cpu_threads)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows."""
        return self._model.encode_texts(texts)

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        return self._model.encode_images(images)


class OpenVinoTowers:
    """The text and image tower of a directory in the cache, compiled for this CPU."""

    def __init__(self, ready: Path, manifest: Manifest, precisions: tuple[str, str], threads: int) -> None:
        """Args: precisions: that the text tower computes in, and that of the image tower."""
        self._dim = manifest.dim
        rules = manifest.tokens
        self._texts = TextBatcher(
            rules, compiled_tokeniser(Tokenizer.from_file(str(ready / TOKENIZER)), rules.max_tokens)
        )
        hints = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        streams = (1, streams_of(len(manifest.preparer.query_views), threads))
        try:
            self._text_tower, image_tower = (
                _core().compile_model(
                    ready / tower,
                    "CPU",
                    {**hints, "INFERENCE_PRECISION_HINT": _HINTS[precision], "NUM_STREAMS": beside},
                )
                for tower, precision, beside in zip((TEXT_TOWER, IMAGE_TOWER), precisions, streams, strict=True)
            )
            self._images = ImagePasses(image_tower, streams[1], manifest.dim)
            self._words = _word_table(self._text_tower, ready)
        except (RuntimeError, OSError, ValueError) as error:
            raise ModelUnavailable(f"{ready} is broken, remove it and load the model again: {error}") from error

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows."""
        ids = self._texts.token_ids(texts)
        out = np.zeros((len(ids), self._dim), np.float32)
        for rows in length_buckets([len(row) for row in ids], BatchLimit(MAX_BATCH, MAX_PASS_TOKENS)):
            length = padded_length(max(len(ids[at]) for at in rows), self._texts.rules.max_tokens)
            # A full pass is not filled up: that would compute for nothing, and one shape more a length is few.
            most = min(MAX_BATCH, MAX_PASS_TOKENS // length)
            batch = self._texts.pad([ids[at] for at in rows], length, padded_count(len(rows), most))
            inputs: dict[str, NDArray[Any]] = {"input_ids": batch[0], "attention_mask": batch[1]}
            if self._words is not None:
                inputs[WORD_VECTORS] = self._words.vectors(batch[0])
            out[rows] = _run(self._text_tower, inputs)[: len(rows)]
        return out

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        return self._images.encode(images)


def has_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> Any:
    import openvino

    return openvino.Core()


def _word_table(tower: Any, ready: Path) -> WordTable | None:
    """The table that a text tower takes its words from; None where it has them itself."""
    widths = [port.partial_shape[2].get_length() for port in tower.inputs if port.any_name == WORD_VECTORS]
    return WordTable(ready / WORD_TABLE, widths[0]) if widths else None


def _run(tower: Any, inputs: dict[str, NDArray[Any]]) -> FloatArray:
    wanted = {name: value for name, value in inputs.items() if name in {port.any_name for port in tower.inputs}}
    return normalise_rows(tower(wanted)[0])


def _chosen_precisions(manifest: Manifest, runtime: Runtime, directory: Path) -> tuple[str, str]:
    """The precision of each tower. Raises `ModelUnavailable` where not even float32 agrees with torch's embeddings."""
    if runtime.precision in ("bfloat16", "int8"):
        return runtime.precision, runtime.precision
    exact, fast = manifest.agreement["float32"], manifest.agreement["bfloat16"]
    if (least := min(exact.text, exact.image)) < MIN_PARITY_COSINE:
        raise ModelUnavailable(
            f"{directory}: OpenVINO's cosine to torch's is {least:.4f}, below {MIN_PARITY_COSINE}:"
            " use encoder.backend = torch"
        )
    may_be_fast = runtime.precision == "auto" and has_bfloat16()

    def chosen(agreement: float) -> str:
        return "bfloat16" if may_be_fast and agreement >= MIN_PARITY_COSINE else "float32"

    return chosen(fast.text), chosen(fast.image)
