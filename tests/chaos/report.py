"""The chaos report: a line a scenario, kept in a file and shown as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.paths import ROOT

REPORT = ROOT / "build" / "reports" / "chaos.json"
COLUMNS = {
    "scenario": "scenario",
    "events": "events",
    "products expected": "expected",
    "found": "found",
    "lost": "lost",
    "duplicated": "duplicated",
    "stale": "stale",
    "unannounced": "unannounced",
    "dead letters expected": "dead_letters_expected",
    "found there": "dead_letters_found",
    "seconds": "seconds",
}


@dataclass
class Report:
    """One scenario's line: everything that was expected, was found, and nothing else."""

    scenario: str
    events: int = 0
    expected: int = 0
    found: int = 0
    lost: int = 0
    duplicated: int = 0
    stale: int = 0
    unannounced: int = 0
    """Events that no index change names."""
    dead_letters_expected: dict[str, int] = field(default_factory=dict)
    dead_letters_found: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    examples: list[str] = field(default_factory=list)
    """Some of the differences."""

    @property
    def is_clean(self) -> bool:
        """Whether there is no difference."""
        differences = (self.lost, self.duplicated, self.stale, self.unannounced, self.expected - self.found)
        return not any(differences) and self.dead_letters_expected == self.dead_letters_found

    def save(self) -> None:
        """Put it into the report, in place of an earlier one of the scenario."""
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        lines = [report for report in load_reports() if report["scenario"] != self.scenario]
        REPORT.write_text(json.dumps([*lines, asdict(self) | {"clean": self.is_clean}], indent=1) + "\n")


def load_reports() -> list[dict[str, Any]]:
    """What scenarios have reported so far."""
    return json.loads(REPORT.read_text()) if REPORT.exists() else []


def table() -> Iterator[str]:
    """The lines of the report as the documentation has them."""
    yield _row(COLUMNS)
    yield _row("---" for _ in COLUMNS)
    for report in load_reports():
        yield _row(_cell(report[key]) for key in COLUMNS.values())


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    return str(sum(value.values()) if isinstance(value, dict) else value)
