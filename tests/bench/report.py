"""Tables and JSON of what was measured."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.paths import ROOT

BUILD = ROOT / "build"
REPORTS = BUILD / "reports"
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
"""How many times each thing is measured; what is told is the median."""
SIZES = {name: value for name, value in os.environ.items() if name.startswith("BENCH_")}
"""Sizes that are other than the default ones."""
CORES = len(os.sched_getaffinity(0))
"""Before anything is confined to some."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be; being below it is told, and is no failure: a machine may be slow."""

    what: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether it is."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    def __str__(self) -> str:
        sign = "≤" if self.at_most else "≥"
        return f"{'PASS ' if self.met else 'BELOW'}  {self.what}: {shown(self.value)} ({sign} {shown(self.bound)})"


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of a ratio over the rounds, and the least and the greatest of them.

    Of five rounds, the true median is between these two with 94 % confidence.
    Source: order statistics, 1 − 2 · 2⁻ⁿ; David and Nagaraja, 2003, "Order Statistics".
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Ratio:
        """Of the values of all rounds."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"


def publish_report(
    name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], targets: Sequence[Target], **facts: Any
) -> None:
    """Print a table with its targets, and write `build/reports/NAME.json`."""
    report = {
        "commit": commit(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(),
        "sizes": SIZES,
        "runs": RUNS,
        **facts,
        "rows": [dict(zip(columns, row, strict=True)) for row in rows],
        "targets": [
            {
                "what": target.what,
                "value": target.value,
                "bound": target.bound,
                "at_most": target.at_most,
                "met": target.met,
            }
            for target in targets
        ],
    }
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / f"{name}.json").write_text(json.dumps(report, indent=2, ensure_ascii=False))
    print(f"\n{name}", table(columns, rows), *map(str, targets), sep="\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns as wide as their longest cell."""
    cells = [list(columns), *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)


def shown(value: Any) -> str:
    """A number with as many digits as tell something."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentiles(values_ms: Sequence[float]) -> dict[str, float]:
    """p50 and p99."""
    return {f"p{one}_ms": round(float(np.percentile(values_ms, one)), 1) for one in (50, 99)}


def median_of(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over the runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def commit() -> str:
    """Which version of the repository it was measured of, with `+` where files of it are changed; empty: none."""
    git = ["git", "-C", str(ROOT)]
    try:
        name = subprocess.run([*git, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return name.stdout.strip() + ("+" if changed.stdout else "")


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {"system": platform.platform(), "processor": _processor(), "cores": CORES}


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
