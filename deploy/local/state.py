"""What runs on a data directory: a file that every command reads, and a lock that one holds at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from deploy.local.errors import DataDirUnusable
from deploy.local.permissions import private_directory, private_opener
from deploy.local.processes import ProcessRecord, is_alive


class StackState(msgspec.Struct):
    """The processes that were started on a data directory, in the order of their start."""

    processes: list[ProcessRecord] = []
    ports: dict[str, int] = {}
    """The ports that were used last, kept for the next start."""

    def find(self, name: str) -> ProcessRecord | None:
        """The process of that name, if it still runs."""
        return next((record for record in self.processes if record.name == name and is_alive(record)), None)

    def add(self, record: ProcessRecord, order: Sequence[str]) -> None:
        """Take a process in, in place of one that had its name before.

        Args:
            order: names in the order of their start, which a process that is started anew returns to: nothing may be
                stopped before what depends on it.
        """
        known = [process for process in self.processes if process.name != record.name]
        rank = {name: position for position, name in enumerate(order)}

        def place(process: ProcessRecord) -> tuple[bool, int]:
            # What ends of itself leans on all others, and was not there when their order was made.
            return process.temporary, rank.get(process.name, len(rank))

        self.processes = sorted([*known, record], key=place)

    def with_prefix(self, prefix: str) -> list[ProcessRecord]:
        """The running processes whose names start like that."""
        return [process for process in self.processes if process.name.startswith(prefix) and is_alive(process)]


class StateFile:
    """`run/state.json` of a data directory, replaced as a whole, and its lock."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._run = data_dir / "run"
        self._path = self._run / "state.json"

    def load(self) -> StackState:
        """The state as last saved; an empty one when nothing was ever started."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=StackState)
        except (FileNotFoundError, msgspec.DecodeError):
            return StackState()

    def save(self, state: StackState) -> None:
        """Replace the state. Raises `DataDirUnusable` when it cannot be written."""
        half = self._path.with_suffix(".part")
        try:
            with open(half, "wb", opener=private_opener) as file:
                file.write(msgspec.json.format(msgspec.json.encode(state)))
            half.replace(self._path)
        except OSError as error:
            raise DataDirUnusable(f"{self._run} cannot be written: {error.strerror}; make room for it") from error

    @contextmanager
    def lock(self) -> Generator[None]:
        """Hold the data directory. Raises `DataDirUnusable` when another command does, or it cannot be written."""
        try:
            private_directory(self._data_dir)
            private_directory(self._run)
            file = open(self._run / "lock", "w", opener=private_opener)  # noqa: SIM115 - closed below
        except OSError as error:
            raise DataDirUnusable(
                f"{self._run} cannot be written: {error.strerror}; choose another --data-dir"
            ) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataDirUnusable(f"another command is starting or stopping servers in {self._run}") from error
            yield
