"""A cache of directories, each made once by the first process that needs it, and there whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

from encoders.errors import ModelUnavailable

log = logging.getLogger(__name__)


def cached_directory(cache: Path, key: str, marker: str, make: Callable[[Path], None]) -> Path:
    """The directory of a name in a cache, made where it is not there.

    Safe in several processes at once: one makes it while the others wait.

    Args:
        cache: the directory of such directories.
        key: names all that the content depends on.
        marker: a file that each such directory has.
        make: fills a temporary directory, which then takes the name; what it raises is passed on, and nothing is kept.

    Raises:
        ModelUnavailable: the cache cannot be written.
    """
    ready = cache / key
    if (ready / marker).is_file():
        return ready
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _exclusive_lock(cache / f"{key}.lock"):
            if not (ready / marker).is_file():
                _make(ready, make)
    except OSError as error:
        raise ModelUnavailable(f"{cache} cannot keep models (encoder.cache_dir): {error}") from error
    return ready


@contextlib.contextmanager
def _exclusive_lock(path: Path) -> Generator[None]:
    """Hold a lock among all processes; the system releases that of a process that dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(ready: Path, make: Callable[[Path], None]) -> None:
    for left_over in ready.parent.glob(f".{ready.name}.*"):
        shutil.rmtree(left_over, ignore_errors=True)
    started = time.monotonic()
    unfinished = Path(tempfile.mkdtemp(prefix=f".{ready.name}.", dir=ready.parent))
    try:
        make(unfinished)
        unfinished.chmod(0o755)
        shutil.rmtree(ready, ignore_errors=True)
        unfinished.rename(ready)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    log.info("model_made_ready", extra={"path": str(ready), "took_s": round(time.monotonic() - started, 1)})
