"""What a process of the stack is: how it is run, and when it is ready."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class Service(ABC):
    """One process of the stack."""

    name: str
    url: str
    """Where it answers, as others are told."""
    cwd: Path
    temporary: bool = False
    """Whether it ends of itself, once it has done its work."""
    stage: int = 0
    """Processes of a stage start together, once those of the stages before are ready: servers 0, workers 1."""
    start_deadline_s: float = 30.0
    grace_s: float = 15.0
    """How long it may take to end."""

    @abstractmethod
    def prepare(self, progress: Callable[[str], None]) -> None:
        """Do what has to be done before it can run."""

    @property
    @abstractmethod
    def argv(self) -> Sequence[str]:
        """Its command line."""

    @property
    @abstractmethod
    def env(self) -> Mapping[str, str]:
        """Its environment."""

    @abstractmethod
    async def check(self) -> None:
        """Return when it is ready to serve; raise when it is not, or not yet."""


def cache_dir() -> Path:
    """Where downloads are kept for this user, across data directories."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vitrine"
