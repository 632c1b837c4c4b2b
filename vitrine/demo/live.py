"""The live view: how fast events come in, how fast products become searchable, how far behind, how fresh."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from rich.table import Table

WINDOW_S = 5.0


@dataclass
class GrowthRate:
    """A count's growth a second over the last few seconds."""

    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def update(self, count: int, now: float | None = None) -> float:
        """Note the count as it stands now; returns its growth a second."""
        now = time.monotonic() if now is None else now
        self._samples.append((now, count))
        while now - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()
        first_at, first = self._samples[0]
        return (count - first) / (now - first_at) if now > first_at else 0.0


@dataclass(frozen=True, slots=True)
class DemoProgress:
    """How far the demo has come."""

    published: int
    total: int
    clicks: int
    searchable: int
    waiting: int
    """Product events that are in Kafka and not yet in the index."""
    index_age_ms: int | None
    events_per_s: float
    products_per_s: float

    def table(self) -> Table:
        """The table that a terminal shows."""
        table = Table(title="Vitrine, live", show_header=False, min_width=46)
        for name, value in self._rows():
            table.add_row(name, value)
        return table

    def line(self) -> str:
        """The line that a log shows."""
        return "  ".join(f"{name.lower()} {value}" for name, value in self._rows())

    def _rows(self) -> list[tuple[str, str]]:
        age = "unknown" if self.index_age_ms is None else f"{self.index_age_ms / 1000:.1f} s"
        return [
            ("Published", f"{self.published:,} of {self.total:,}"),
            ("Clicks", f"{self.clicks:,}"),
            ("Searchable", f"{self.searchable:,}"),
            ("Events/s", f"{self.events_per_s:,.0f}"),
            ("Products/s", f"{self.products_per_s:,.0f}"),
            ("Lag", f"{self.waiting:,} events"),
            ("Index age", age),
        ]
