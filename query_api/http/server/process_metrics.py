"""Metrics of several processes as one page, in Prometheus' text format. Pure.

Each series is told by process, and none is added up here: a process that starts anew starts its counters anew, which
Prometheus sees in its own series and in no sum.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LABEL = "process"
_SAMPLE = re.compile(r"([^\s{]+)(?:\{(.*)\})?( .+)", re.DOTALL)


def merge_metrics(pages: Mapping[int, str]) -> str:
    """One page of the pages of several processes, by number; a metric's series stand together, as the format asks."""
    metrics: dict[str, list[str]] = {}
    for number, page in pages.items():
        lines: list[str] = []
        is_new = False
        for line in page.splitlines():
            if line.startswith("# HELP "):
                heading = line.split(" ", 3)[2]
                is_new = heading not in metrics
                lines = metrics.setdefault(heading, [])
            if not line.startswith("#"):
                lines.append(_labelled(line, number))
            elif is_new:
                lines.append(line)
    return "".join(f"{line}\n" for lines in metrics.values() for line in lines)


def _labelled(sample: str, number: int) -> str:
    parts = _SAMPLE.fullmatch(sample)
    if parts is None:
        return sample
    name, labels, rest = parts.groups()
    others = f",{labels}" if labels else ""
    return f'{name}{{{LABEL}="{number}"{others}}}{rest}'
