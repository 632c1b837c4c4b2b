"""The tables of `docs/performance.md`, made of what benchmarks wrote: `make figures`.

A block begins with `<!-- figures: NAME -->` and ends with `<!-- end -->`; what is between is made of
`build/reports/NAME.json`. A report that is not there, or that was measured with other sizes than the default ones,
leaves its block as it is; `--any-size` takes the latter too.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.report import REPORTS, shown
from tests.paths import ROOT

PAGE = ROOT / "docs" / "performance.md"
_BLOCK = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
_TOLD_APART = ("commit", "at", "machine", "sizes", "rows", "targets", "ratios", "runs")


def main() -> None:
    """Write the page anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--any-size", action="store_true")
    given = parser.parse_args()

    def block(match: re.Match[str]) -> str:
        text = _text_of(match[2], given.any_size)
        return match[0] if text is None else f"{match[1]}{text}\n{match[3]}"

    PAGE.write_text(_BLOCK.sub(block, PAGE.read_text()))


def _text_of(name: str, any_size: bool) -> str | None:
    """What goes into a block; None: it stays."""
    file = REPORTS / f"{name}.json"
    if not file.exists():
        print(f"{name}: not measured")
        return None
    report = json.loads(file.read_text())
    if "sizes" not in report:
        print(f"{name}: written by an earlier version")
        return None
    if report["sizes"] and not any_size:
        print(f"{name}: measured with {report['sizes']}, not with the default sizes")
        return None
    print(f"{name}: of {report['commit']}, {report['at']}")
    return "\n\n".join(filter(None, [_heading(report), _rows(report["rows"]), _targets(report["targets"])]))


def _heading(report: Mapping[str, Any]) -> str:
    """Of what it was measured, and on what."""
    machine = report["machine"]
    facts = {**{name: value for name, value in report.items() if name not in _TOLD_APART}, **report["sizes"]}
    told = "".join(f", {name.replace('_', ' ')} {shown(value)}" for name, value in facts.items())
    return f"Commit {report['commit']}, {report['at'][:10]}, {machine['cores']} cores ({machine['processor']}){told}."


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    return _table(list(rows[0]), [list(row.values()) for row in rows]) if rows else ""


def _targets(targets: Sequence[Mapping[str, Any]]) -> str:
    """Goals; those that are not met are bold."""
    rows = [
        [
            target["what"],
            f"{'≤' if target['at_most'] else '≥'} {shown(float(target['bound']))}",
            shown(target["value"]) if target["met"] else f"**{shown(target['value'])}**",
        ]
        for target in targets
    ]
    return _table(["goal", "bound", "measured"], rows) if rows else ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *([shown(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
