"""A cache of models converted for OpenVINO, each converted once, in a process that ends afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from encoders.backends.manifest import MANIFEST
from encoders.errors import ModelUnavailable
from encoders.model_cache import cached_directory

CONVERSION_DEADLINE_S: Final = 600.0
REFUSED_EXIT_CODE: Final = 3
"""Exit status of an export that will fail whenever it is tried: the checkpoint is none for this backend."""
_MODULE: Final = "encoders.backends.export"

Export = Callable[[Path, Path, str], "subprocess.CompletedProcess[str]"]
"""Converts (checkpoint, into a directory, in a precision) in a process of its own, and returns the ended process."""


def export_in_process(checkpoint: Path, directory: Path, precision: str) -> subprocess.CompletedProcess[str]:
    """Run `encoders.backends.export`. Raises `ModelUnavailable` where it takes longer than `CONVERSION_DEADLINE_S`."""
    # The process imports from the same places as this one, and not from the directory that it is started in.
    path = os.pathsep.join(entry or str(os.curdir) for entry in sys.path)
    command = (sys.executable, "-P", "-m", _MODULE, str(checkpoint), str(directory), precision)
    environment = {**os.environ, "PYTHONPATH": path}
    try:
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=CONVERSION_DEADLINE_S)
    except subprocess.TimeoutExpired as error:
        raise ModelUnavailable(f"{checkpoint} was not made ready within {CONVERSION_DEADLINE_S:g} s") from error


def converted_model(
    checkpoint: Path, cache: Path, key: str, precision: str, export: Export = export_in_process
) -> Path:
    """The directory of a checkpoint converted for OpenVINO; the checkpoint is converted where it is not in the cache.

    Safe in several processes at once: one converts while the others wait, and a directory in the cache is complete. A
    process of its own converts, so that those that serve need not hold torch.

    Args:
        checkpoint: has config, safetensors weights, tokenizer and image processor.
        cache: the directory of such directories.
        key: names the checkpoint's content and all that the result depends on.
        precision: `float32` or `int8`, of the weights.
        export: converts.

    Raises:
        ModelUnavailable: the checkpoint cannot be converted, or could not before, or the cache cannot be written.
    """
    refusal = cache / f"{key}.refused"

    def convert(unfinished: Path) -> None:
        if refusal.is_file():
            raise ModelUnavailable(refusal.read_text("utf-8"))
        _check(export(checkpoint, unfinished, precision), checkpoint, refusal)

    return cached_directory(cache, key, MANIFEST, convert)


def _check(ended: subprocess.CompletedProcess[str], checkpoint: Path, refusal: Path) -> None:
    """Raise `ModelUnavailable` where an export failed, and keep its reason where it would always fail."""
    if ended.returncode:
        reason = (ended.stderr.strip() or "no reason given").splitlines()[-1][:500]
        if ended.returncode == REFUSED_EXIT_CODE:
            refusal.write_text(reason, "utf-8")
        raise ModelUnavailable(f"{checkpoint} cannot be made ready for openvino: {reason}")
