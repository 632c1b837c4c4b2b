"""Files that credentials are in: looked at again whenever they are needed, so that a change needs no restart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from indexer.errors import AccessDenied

_Stamp = tuple[int, int, int]


class WatchedFiles:
    """Whether any of some files is another one than when it was last asked."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        """Args: paths: by the setting that names them; an empty one names none."""
        self._paths = {setting: Path(path) for setting, path in paths.items() if path}
        self._seen: dict[str, _Stamp] = {}

    def changed(self) -> bool:
        """Whether one changed since the last call; the first time, whether there are any.

        Raises:
            AccessDenied: one is not there; it counts as changed until it is.
        """
        seen = {setting: _stamp(setting, path) for setting, path in self._paths.items()}
        former, self._seen = self._seen, seen
        return seen != former

    def look_again(self) -> None:
        """Take them for changed at the next call."""
        self._seen = {}


class SecretFile:
    """A password or token in a file of its own, as orchestrators mount them.

    Blanks and line ends around it are none of it. While a file is being replaced it may be away or empty: what it had
    before holds until then.
    """

    def __init__(self, setting: str, path: str) -> None:
        """Read it.

        Args:
            setting: that names it, for messages.
            path: where it is.

        Raises:
            AccessDenied: it cannot be read, or has nothing in it.
        """
        self._files = WatchedFiles({setting: path})
        self._setting = setting
        self._path = Path(path)
        self._files.changed()
        self._value = self._read()

    def value(self) -> str:
        """What is in it now. Costs a look at the directory, and a read when it is another file than before."""
        try:
            if self._files.changed():
                self._value = self._read()
        except AccessDenied:
            self._files.look_again()
        return self._value

    def _read(self) -> str:
        try:
            value = self._path.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise AccessDenied(f"{self._setting} = {self._path} cannot be read: {error}") from error
        if not value:
            raise AccessDenied(f"{self._setting} = {self._path} has nothing in it")
        return value


def _stamp(setting: str, path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError as error:
        raise AccessDenied(f"{setting} = {path} cannot be read: {error.strerror}") from error
    return status.st_mtime_ns, status.st_ino, status.st_size
