"""What a deployment has to carry."""

from __future__ import annotations

from dataclasses import dataclass, fields

MAX_PRODUCTS, MAX_RATE = 10**10, 10**7


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A shop at its busiest. Rates are those of the peak."""

    products: int
    events_per_s: float
    """Events of products."""
    content_share: float = 0.2
    """Of these, how many bring another text or picture, which is encoded; the others are prices, stock and the like."""
    clicks_per_s: float = 0.0
    """Events of shoppers."""
    queries_per_s: float = 0.0
    cached_share: float = 0.6
    """Of these, how many are answered from the cache."""
    shoppers: int = 0
    """Whose profile is kept."""
    dim: int = 128
    """Numbers of an embedding's part; `mini` has 128, `standard` 768."""
    content_bytes: int = 2_000
    """Of an event that brings text and pictures by their addresses; inline pictures come on top."""
    change_bytes: int = 300
    """Of any other event."""
    peak_over_average: float = 3.0
    """How many times the average the peak is: disks are filled by the average."""

    def __post_init__(self) -> None:
        """Raises `ValueError`, which names each value that no shop has."""
        bounds: dict[str, tuple[float, float]] = {
            "products": (1, MAX_PRODUCTS),
            "content_share": (0, 1),
            "cached_share": (0, 1),
            "shoppers": (0, MAX_PRODUCTS),
            "dim": (1, 65_536),
            "peak_over_average": (1, 1_000),
        }
        faults = [
            f"{one.name} = {getattr(self, one.name):g} is not from {low:g} to {high:g}"
            for one in fields(self)
            for low, high in [bounds.get(one.name, (0, MAX_RATE))]
            if not low <= getattr(self, one.name) <= high
        ]
        if faults:
            raise ValueError("; ".join(faults))

    def rates(self) -> dict[str, float]:
        """So many a second of each kind of work at the peak; the kinds are those of `measured.toml`."""
        return {
            "idle": 1.0,
            "content": self.events_per_s * self.content_share,
            "change": self.events_per_s * (1 - self.content_share),
            "click": self.clicks_per_s,
            "cached_search": self.queries_per_s * self.cached_share,
            "search": self.queries_per_s * (1 - self.cached_share),
        }
