"""Judged queries from files: CSV, JSON Lines or Parquet, as those that products are published from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from query_api.evaluation.judgments import JudgedQueries, join_judgments
from query_api.evaluation.ranking_metrics import Gains
from streams.files.rows import RejectedRow, read_rows
from vitrine.errors import InvalidJudgments

FAULTS_SHOWN = 20
"""Rows that the message names, of those that cannot be used."""


def read_judged(queries: Path, judgments: Path) -> JudgedQueries:
    """The judged queries of a file of queries and a file of judgments; one file may be both.

    Raises:
        InvalidJudgments: naming the rows that cannot be used, or that no query is judged.
        UnreadableFile: a file as a whole cannot be read.
    """
    faults: list[str] = []
    judged = join_judgments(_rows(queries, faults), _rows(judgments, faults))
    faults = list(dict.fromkeys(faults + judged.unusable_rows))
    if faults:
        shown = [f"  - {fault}" for fault in faults[:FAULTS_SHOWN]]
        more = [f"  … and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        raise InvalidJudgments("\n".join(["judged queries cannot be used:", *shown, *more]))
    if not judged.queries:
        raise InvalidJudgments(
            f"no query of {queries} is judged in {judgments}: they are joined by the query's id where both have a "
            "column for it, else by its text"
        )
    return judged


def read_judgments(queries: Path, judgments: Path) -> Mapping[str, Gains]:
    """Gains by the text of the query and the product's id. Raises what `read_judged` raises."""
    return {query.text: query.gains for query in read_judged(queries, judgments).queries}


def _rows(path: Path, faults: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for row in read_rows(path):
        place = f"{path.name}:{row.line}"
        if isinstance(row, RejectedRow):
            faults.append(f"{place}: {row.reason}")
        else:
            yield place, row.cells
