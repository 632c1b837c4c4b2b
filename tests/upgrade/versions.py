"""The program as it is, and as it was released: each a tree that worker processes are started from."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

RELEASE, COMMIT = "0.2.0", "25c406d"
"""The last released version; `CHANGELOG.md` names its commit."""
_TREE = ROOT / "build" / "upgrade" / COMMIT


class Unavailable(Exception):
    """The former version cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the program."""

    name: str
    tree: Path
    """Where its packages are."""


NEW = Version("new", ROOT)


def old_version() -> Version:
    """The released version, out of the history of this repository. Raises `Unavailable`."""
    if not (_TREE / "vitrine").is_dir():
        _TREE.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=io.BytesIO(_archive())) as archive:
            archive.extractall(_TREE, filter="data")
    return Version("old", _TREE)


def _archive() -> bytes:
    argv = ["git", "-C", str(ROOT), "archive", "--format=tar", COMMIT]
    try:
        return subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"the history of this repository, with version {RELEASE} ({COMMIT}), is not here") from error
