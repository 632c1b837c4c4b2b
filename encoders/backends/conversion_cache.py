"""Models made ready for a backend, each once: by whichever process comes first, in a process that ends afterwards."""

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
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from encoders.backends.manifest import MANIFEST
from encoders.errors import ModelUnavailable

log = logging.getLogger(__name__)

CONVERSION_DEADLINE_S: Final = 600.0
REFUSED_EXIT_CODE: Final = 3
"""Exit status of an export of a checkpoint that is none for this backend, whenever it is tried."""
_MODULE: Final = "encoders.backends.export"


def converted_model(checkpoint: Path, cache: Path, key: str, precision: str) -> Path:
    """The directory of a checkpoint made ready for OpenVINO; made if it is not there.

    Safe in several processes at once: one works while the others wait, and what is there is whole. The work is done
    by a child, so that no process that serves has to hold torch.

    Args:
        checkpoint: Config, safetensors weights, tokenizer and image processor.
        cache: Where such directories are kept.
        key: Names the checkpoint's content and all that the result depends on.
        precision: `float32` or `int8`, of the weights.

    Raises:
        ModelUnavailable: it cannot be made ready, now or some time before, or the cache cannot be written.
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
                _convert(checkpoint, ready, precision, refusal)
    except OSError as error:
        raise ModelUnavailable(f"{cache} cannot keep models (encoder.cache_dir): {error}") from error
    return ready


@contextlib.contextmanager
def _exclusive_lock(path: Path) -> Iterator[None]:
    """Alone among all processes; a lock of one that died is free."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(checkpoint: Path, ready: Path, precision: str, refusal: Path) -> None:
    for left_over in ready.parent.glob(f".{ready.name}.*"):
        shutil.rmtree(left_over, ignore_errors=True)
    started = time.monotonic()
    unfinished = Path(tempfile.mkdtemp(prefix=f".{ready.name}.", dir=ready.parent))
    try:
        _run([str(checkpoint), str(unfinished), precision], refusal)
        unfinished.chmod(0o755)
        shutil.rmtree(ready, ignore_errors=True)
        unfinished.rename(ready)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    log.info("model_made_ready", extra={"path": str(ready), "took_s": round(time.monotonic() - started, 1)})


def _run(arguments: list[str], refusal: Path) -> None:
    # It imports from where this process does, and not from whatever directory it is started in.
    path = os.pathsep.join(entry or str(os.curdir) for entry in sys.path)
    command = (sys.executable, "-P", "-m", _MODULE, *arguments)
    environment = {**os.environ, "PYTHONPATH": path}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=CONVERSION_DEADLINE_S)
    except subprocess.TimeoutExpired as error:
        raise ModelUnavailable(f"{arguments[0]} was not made ready within {CONVERSION_DEADLINE_S:g} s") from error
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1][:500]
        if done.returncode == REFUSED_EXIT_CODE:
            # It would come to the same conclusion at each start.
            refusal.write_text(reason, "utf-8")
        raise ModelUnavailable(f"{arguments[0]} cannot be made ready for openvino: {reason}")
