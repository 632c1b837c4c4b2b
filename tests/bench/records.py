"""Ratios of what is measured to its baseline: those on record, and what became of them.

`python -m tests.bench.records` puts what the last benchmarks measured into the record.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.bench.report import REPORTS

FILE = Path(__file__).with_name("records.toml")
TOLERATED = 0.75
"""Below so much of its record a ratio has fallen: two runs of the same code differ by less."""
_HEAD = """\
# Ratios measured on a quiet machine, which a change is held against.
# `make bench` says what fell; `.venv/bin/python -m tests.bench.records` writes what the last benchmarks measured.
"""


@dataclass(frozen=True, slots=True)
class Record:
    """A ratio on record."""

    value: float
    what: str
    """Of what to what."""
    commit: str
    date: str
    machine: str

    def has_fallen(self, value: float) -> bool:
        """Whether a value measured now is too far below."""
        return value < TOLERATED * self.value


def read_records() -> dict[str, Record]:
    """The records by name."""
    return {name: Record(**fields) for name, fields in tomllib.loads(FILE.read_text()).items()}


def measured_ratios(since_s: float = 0.0) -> dict[str, float]:
    """Ratios in reports that were written since a Unix time."""
    return {name: value for report in _reports(since_s) for name, value in report.get("ratios", {}).items()}


def _reports(since_s: float) -> list[dict[str, Any]]:
    reports = [json.loads(path.read_text()) for path in REPORTS.glob("*.json") if path.stat().st_mtime >= since_s]
    # Other suites keep reports there too, which are no benchmark's.
    return [report for report in reports if isinstance(report, dict)]


def compared(records: Mapping[str, Record], measured: Mapping[str, float]) -> list[str]:
    """A line for each ratio that was measured."""
    return [_line(name, value, records.get(name)) for name, value in sorted(measured.items())]


def _line(name: str, value: float, record: Record | None) -> str:
    if record is None:
        return f"NEW    {name}: {value:.3g}, not on record"
    verdict = "FELL " if record.has_fallen(value) else "BELOW" if value < record.value else "HELD "
    return f"{verdict}  {name}: {value:.3g}, on record {record.value:.3g} ({record.commit}, {record.date})"


def write_records(records: Mapping[str, Record]) -> None:
    """Write the file anew."""
    parts = [f"[{json.dumps(name)}]\n" + "".join(_fields(one)) for name, one in sorted(records.items())]
    FILE.write_text("\n".join([_HEAD, *parts]))


def _fields(record: Record) -> Sequence[str]:
    values: dict[str, Any] = {name: getattr(record, name) for name in Record.__slots__}
    return [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]


def main() -> None:
    """Write what was measured, and say how it compares."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    records = read_records()
    print(*compared(records, measured_ratios()), sep="\n")
    blank = Record(0.0, "", "", "", "")
    for report in _reports(0.0):
        on = report["machine"]
        for name, value in report.get("ratios", {}).items():
            # As the report says: it may be of an earlier commit.
            records[name] = replace(
                records.get(name, blank),
                value=round(value, 3),
                commit=report["commit"],
                date=report["at"][:10],
                machine=f"{on['cores']} cores, {on['processor']}",
            )
    write_records(records)


if __name__ == "__main__":
    main()
