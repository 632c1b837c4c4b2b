"""How a model is run: on which device, by which engine, with which arithmetic. Free of torch."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

Backend = Literal["auto", "torch", "openvino"]
Precision = Literal["auto", "float32", "bfloat16", "float16", "int8"]

CGROUP_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
MIN_PARITY_COSINE: Final = 0.999
"""The least cosine between an embedding by `auto` and the same by torch in float32: less is another vector space."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """How to run a model. The defaults need no preparation: torch in float32 on the best device."""

    device: str = "auto"
    """`auto` (the best there is), or a torch device such as `cpu`, `cuda`, `cuda:1`, `mps`."""
    backend: Backend = "torch"
    """`auto`: the fastest that is installed and agrees with torch in float32 within `MIN_PARITY_COSINE`."""
    precision: Precision = "float32"
    """`auto`: the fastest within `MIN_PARITY_COSINE`. `bfloat16`, `float16` and `int8` are spaces of their own."""
    compile: bool = False
    """Whether torch compiles the towers, for a bounded set of shapes: slow to start, faster on a GPU."""
    threads: int = 0
    """Threads on a CPU; 0: as many as this process may use cores."""
    cache_dir: str = ""
    """The directory for models converted for a backend; empty: one in the user's cache directory."""

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("backend", self.backend, get_args(Backend)),
            ("precision", self.precision, get_args(Precision)),
        ):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
        if self.threads < 0:
            raise ValueError(f"threads must be at least 0, not {self.threads}")

    @property
    def version_suffix(self) -> str:
        """What the version of the vector space says of the precision; empty where it agrees with float32."""
        return "" if self.precision in ("auto", "float32") else f"+{self.precision}"

    @property
    def cpu_threads(self) -> int:
        """Threads to compute with on a CPU, at least 1."""
        return self.threads or usable_cores()

    @property
    def cache_path(self) -> Path:
        """The directory for models converted for a backend, and for the locks of devices."""
        if self.cache_dir:
            return Path(self.cache_dir).expanduser().absolute()
        # The XDG specification: a relative XDG_CACHE_HOME is invalid and ignored.
        base = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (base if base.is_absolute() else Path("~/.cache").expanduser()) / "vitrine" / "models"


def usable_cores(quota: Path = CGROUP_QUOTA) -> int:
    """Cores that this process may keep busy, at least 1: its CPU affinity, within its control group's quota.

    Libraries count the machine's cores: in a container with a quota of 2 cores on a machine of 64, their threads would
    mostly be throttled.

    Args:
        quota: the control group's `cpu.max`; without it only the affinity counts.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        most, period = quota.read_text().split()
    except (OSError, ValueError):
        return allowed
    return allowed if most == "max" else max(1, min(allowed, math.ceil(int(most) / int(period))))


def make_openmp_threads_sleep() -> None:
    """Let OpenMP's threads sleep while they wait, in libraries that are loaded later.

    When they spin, two processes of two threads each on two cores take five times as long. Settings that are in the
    environment already stay.
    """
    for name, value in (("OMP_WAIT_POLICY", "PASSIVE"), ("GOMP_SPINCOUNT", "0")):
        os.environ.setdefault(name, value)
