"""Settings of liveness and readiness."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LivenessConfig:
    """How long parts of a worker may be silent before it says that it is not ready, or not alive."""

    slow_s: float = 20.0
    """A part that has work and has made no progress for so long makes the worker say that it is not ready."""
    stuck_s: float = 60.0
    """After so long it is not alive, and is to be restarted. To wait for a server is not to be stuck."""
    restart_s: float = 300.0
    """So long may a process of its own, such as the encoder, fail to start before the worker is not alive."""

    def __post_init__(self) -> None:
        if not 1 <= self.slow_s <= self.stuck_s:
            raise ValueError(f"liveness needs 1 <= slow_s <= stuck_s, not {self.slow_s:g} and {self.stuck_s:g}")
        if self.restart_s < self.stuck_s:
            raise ValueError(f"liveness.restart_s must be at least stuck_s ({self.stuck_s:g}), not {self.restart_s:g}")
