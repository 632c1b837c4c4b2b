"""A cache of models converted for OpenVINO, each converted once, in a process that ends afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from encoders.backends.manifest import MANIFEST
from encoders.errors import ModelUnavailable

log = logging.getLogger(__name__)

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
    ready, refusal = cache / key, cache / f"{key}.refused"
    if (ready / MANIFEST).is_file():
        return ready
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _exclusive_lock(cache / f"{key}.lock"):
            if refusal.is_file():
                raise ModelUnavailable(refusal.read_text("utf-8"))
            if not (ready / MANIFEST).is_file():
                _convert(checkpoint, ready, precision, refusal, export)
    except OSError as error:
        raise ModelUnavailable(f"{cache} cannot keep models (encoder.cache_dir): {error}") from error
    return ready


@contextlib.contextmanager
def _exclusive_lock(path: Path) -> Iterator[None]:
    """Hold a lock among all processes; the system releases that of a process that dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(checkpoint: Path, ready: Path, precision: str, refusal: Path, export: Export) -> None:
    """Convert into a temporary directory, which takes the name `ready` once it is complete."""
    for left_over in ready.parent.glob(f".{ready.name}.*"):
        shutil.rmtree(left_over, ignore_errors=True)
    started = time.monotonic()
    unfinished = Path(tempfile.mkdtemp(prefix=f".{ready.name}.", dir=ready.parent))
    try:
        _check(export(checkpoint, unfinished, precision), checkpoint, refusal)
        unfinished.chmod(0o755)
        shutil.rmtree(ready, ignore_errors=True)
        unfinished.rename(ready)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    log.info("model_made_ready", extra={"path": str(ready), "took_s": round(time.monotonic() - started, 1)})


def _check(ended: subprocess.CompletedProcess[str], checkpoint: Path, refusal: Path) -> None:
    """Raise `ModelUnavailable` where an export failed, and keep its reason where it would always fail."""
    if ended.returncode:
        reason = (ended.stderr.strip() or "no reason given").splitlines()[-1][:500]
        if ended.returncode == REFUSED_EXIT_CODE:
            refusal.write_text(reason, "utf-8")
        raise ModelUnavailable(f"{checkpoint} cannot be made ready for openvino: {reason}")
