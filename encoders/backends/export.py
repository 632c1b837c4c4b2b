"""`python -m encoders.backends.export CHECKPOINT DIRECTORY PRECISION`: makes a checkpoint ready for OpenVINO."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import openvino
import torch
from torch import Tensor, nn

from encoders.backends.conversion_cache import REFUSED_EXIT_CODE
from encoders.backends.manifest import IMAGE_TOWER, TEXT_TOWER, TOKENIZER, Manifest
from encoders.backends.openvino import OpenVinoTowers
from encoders.errors import EncoderError, ModelUnavailable
from encoders.huggingface.dual_encoder import HfDualEncoder, is_compiled_tokenizer
from encoders.huggingface.preprocessing import FixedSizePreprocessor
from encoders.inference.parity import min_cosine, probe_pictures


class MissingPackage(ModelUnavailable):
    """A package that is not needed by all is not installed."""


class ExportableTextTower(nn.Module):
    """Token ids and mask (n, length) → embeddings (n, dim)."""

    def __init__(self, encoder: HfDualEncoder) -> None:
        super().__init__()
        self.model = encoder.model
        self._embeddings = encoder.text_embeddings

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self._embeddings(input_ids, attention_mask)


class ExportableImageTower(nn.Module):
    """Prepared pictures (n, height, width, 3) uint8 → embeddings (n, dim)."""

    def __init__(self, encoder: HfDualEncoder, images: FixedSizePreprocessor) -> None:
        super().__init__()
        self.model = encoder.model
        self._embeddings = encoder.image_embeddings
        self._pixel_values = images.pixel_values

    def forward(self, levels: Tensor) -> Tensor:
        return self._embeddings(self._pixel_values(levels))


def export_checkpoint(checkpoint: Path, directory: Path, precision: str) -> None:
    """Convert both towers, compare their embeddings with torch's, and write all that serving needs.

    Raises:
        ModelUnavailable: the checkpoint cannot be loaded, or has a part that cannot be converted.
    """
    encoder = HfDualEncoder(checkpoint, torch.device("cpu"))
    images = encoder.images
    if not is_compiled_tokenizer(encoder.tokenizer):
        raise ModelUnavailable(f"{checkpoint}: its tokenizer, {type(encoder.tokenizer).__name__}, runs in Python alone")
    pictures = probe_pictures(images.preparer)
    if not isinstance(images, FixedSizePreprocessor) or len(images.batchable_groups(pictures)) > 1:
        raise ModelUnavailable(f"{checkpoint}: it takes pictures of many shapes, which only torch is used for")
    texts = encoder.texts.pad(encoder.texts.token_ids(["one text", "and another one"]))
    text = _converted(
        ExportableTextTower(encoder),
        dict(zip(("input_ids", "attention_mask"), map(torch.from_numpy, texts), strict=True)),
    )
    image = _converted(ExportableImageTower(encoder, images), {"levels": torch.from_numpy(np.stack(pictures[:2]))})
    image.reshape([-1, *pictures[0].shape])
    if precision == "int8":
        text, image = _quantised_towers(text, image, encoder)
    openvino.save_model(text, directory / TEXT_TOWER, compress_to_fp16=False)
    openvino.save_model(image, directory / IMAGE_TOWER, compress_to_fp16=False)
    (directory / TOKENIZER).write_text(encoder.tokenizer.backend_tokenizer.to_str(), "utf-8")
    manifest = Manifest(encoder.spec.dim, encoder.texts.rules, images.preparer, {})
    Manifest(
        manifest.dim, manifest.tokens, manifest.preparer, _parity_by_precision(encoder, directory, manifest)
    ).write(directory)


def _quantised_towers(
    text: openvino.Model, image: openvino.Model, encoder: HfDualEncoder
) -> tuple[openvino.Model, openvino.Model]:
    try:
        # Imported here: just this precision needs it.
        from encoders.backends.quantisation import quantise_towers
    except ImportError as error:
        raise MissingPackage("encoder.precision = int8 needs the package nncf: pip install 'vitrine[int8]'") from error
    return quantise_towers(text, image, encoder)


def _parity_by_precision(encoder: HfDualEncoder, directory: Path, manifest: Manifest) -> dict[str, float]:
    """How far the towers as written agree with torch in float32, by the precision that they are computed in."""
    texts, pictures = encoder.parity_probes()
    expected = encoder.encode_texts(texts), encoder.encode_images(pictures)
    found: dict[str, float] = {}
    for precision in ("float32", "bfloat16"):
        model = OpenVinoTowers(directory, manifest, precision, torch.get_num_threads())
        found[precision] = min_cosine(expected, (model.encode_texts(texts), model.encode_images(pictures)))
    return found


def _converted(tower: nn.Module, example: dict[str, Tensor]) -> openvino.Model:
    """A tower as OpenVINO's own graph, for any number of inputs."""
    with torch.inference_mode(False), torch.no_grad():
        return openvino.convert_model(tower, example_input=example)


def main() -> None:
    """Say in the last line what is wrong, and exit with `REFUSED_EXIT_CODE`."""
    checkpoint, directory, precision = sys.argv[1:]
    warnings.simplefilter("ignore")
    # Makes its import fail, whereupon the conversion reports to nobody what it does.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        export_checkpoint(Path(checkpoint), Path(directory), precision)
    except MissingPackage as error:
        # Not to be remembered: it may be there next time.
        sys.exit(str(error))
    except EncoderError as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED_EXIT_CODE)


if __name__ == "__main__":
    main()
