"""`python -m encoders.backends.export CHECKPOINT DIRECTORY PRECISION`: makes a checkpoint ready for OpenVINO.

Needs no torch for the architectures that are built by operations. Where torch is installed, it says what the
embeddings should be.
"""

from __future__ import annotations

import logging
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import msgspec

from encoders.backends.building import built
from encoders.backends.conversion_cache import REFUSED_EXIT_CODE
from encoders.backends.manifest import Agreement, Manifest
from encoders.backends.openvino import OpenVinoTowers
from encoders.backends.towers import ReferenceEncoder, Towers
from encoders.errors import EncoderError, MissingPackage, ModelUnavailable
from encoders.inference.parity import min_cosine
from encoders.inference.runtime import usable_cores
from encoders.packages import TORCH, is_installed, require

log = logging.getLogger(__name__)
PRECISIONS = ("float32", "bfloat16")
"""Those that a ready model is computed in, whatever its weights are."""


def export_checkpoint(checkpoint: Path, directory: Path, precision: str) -> None:
    """Make both towers, compare their embeddings with the reference, and write all that serving needs.

    Args:
        checkpoint: Config, safetensors weights, tokenizer and image processor.
        directory: Where to write; it exists.
        precision: `float32` or `int8`, of the weights.

    Raises:
        MissingPackage: it can be made ready just with a package that is not installed.
        ModelUnavailable: the checkpoint cannot be loaded, or has a part that cannot be converted.
    """
    towers = _towers(checkpoint)
    towers.write(directory)
    manifest = Manifest(towers.dim, towers.tokens, towers.preparer, {})
    probes = towers.probes()
    reference = towers.reference() if towers.reference else _computed_in("float32", directory, manifest)
    expected = reference.encode_texts(probes[0]), reference.encode_images(probes[1])
    del reference
    if precision == "int8":
        _in_8_bits(towers).write(directory)
    agreements: dict[str, Agreement] = {}
    for computed_in in PRECISIONS:
        model = _computed_in(computed_in, directory, manifest)
        agreements[computed_in] = Agreement(
            min_cosine(expected[:1], [model.encode_texts(probes[0])]),
            min_cosine(expected[1:], [model.encode_images(probes[1])]),
        )
    msgspec.structs.replace(manifest, agreement=agreements).write(directory)


def _computed_in(precision: str, directory: Path, manifest: Manifest) -> OpenVinoTowers:
    return OpenVinoTowers(directory, manifest, (precision, precision), usable_cores())


def _towers(checkpoint: Path) -> Towers:
    """Built by operations if it can be, converted by torch if not."""
    has_torch = all(map(is_installed, TORCH))
    try:
        towers = built(checkpoint)
    except ModelUnavailable as error:
        log.info("not_built_by_operations", extra={"path": str(checkpoint), "reason": str(error)})
        require(f"{error}, and converting it", *TORCH)
        # Imported here, as below: not every installation has torch.
        from encoders.backends.conversion import converted

        return converted(checkpoint)
    return replace(towers, reference=lambda: _by_torch(checkpoint)) if has_torch else towers


def _by_torch(checkpoint: Path) -> ReferenceEncoder:
    from encoders.backends.conversion import by_torch

    return by_torch(checkpoint)


def _in_8_bits(towers: Towers) -> Towers:
    require("encoder.precision = int8", "nncf")
    # Imported here: just this precision needs it.
    from encoders.backends.quantisation import quantise_towers

    return quantise_towers(towers)


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
