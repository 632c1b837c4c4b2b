"""What machines there are to be had, and for how much."""

from __future__ import annotations

from dataclasses import dataclass, fields

HOURS_A_MONTH = 730.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Sizes of machines, how busy they may be, and prices, in any one currency."""

    busy_share: float = 0.6
    """How busy anything is at the peak, at most: what is over is for bursts, and for what a lost machine leaves."""
    spare: int = 1
    """Machines more of each kind than the peak takes."""
    milvus_cores: int = 16
    milvus_gb: float = 64.0
    redis_gb: float = 32.0
    broker_disk_gb: float = 2_000.0
    full_share: float = 0.75
    """How full memory and disks are, at most."""
    replicas: int = 3
    """Of each Kafka partition."""
    kept_days: float = 30.0
    """For how long topics keep events."""
    core_hour: float = 0.04
    gb_hour: float = 0.005
    """A GB of memory for an hour."""
    gpu_hour: float = 2.5
    disk_gb_month: float = 0.08
    gpu: bool = False
    """Whether GPUs encode; else cores do."""

    def __post_init__(self) -> None:
        """Raises `ValueError`, which names each value that cannot be."""
        shares = ("busy_share", "full_share")
        faults = [f"{name} = {getattr(self, name):g} is not above 0 and at most 1" for name in shares]
        faults = [fault for name, fault in zip(shares, faults, strict=True) if not 0 < getattr(self, name) <= 1]
        may_be_zero = ("spare", "core_hour", "gb_hour", "gpu_hour", "disk_gb_month", "gpu")
        for one in fields(self):
            value, least = getattr(self, one.name), 0 if one.name in may_be_zero else 1e-9
            if not least <= value < 1e9:
                faults.append(f"{one.name} = {value:g} is no size or price")
        if faults:
            raise ValueError("; ".join(faults))
