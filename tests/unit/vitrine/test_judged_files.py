"""Judged queries from tables of several formats."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vitrine.errors import InvalidJudgments
from vitrine.judged_files import read_judged


def test_bad_lines_are_named(tmp_path: Path):
    table = tmp_path / "judgments.csv"
    table.write_text("query,asin,label\nmug,a,E\nmug,b,great\nmug,,E\n")
    with pytest.raises(InvalidJudgments) as refused:
        read_judged(table, table)
    assert "judgments.csv:3: 'great'" in str(refused.value)
    assert "judgments.csv:4: no product" in str(refused.value)


def test_parquet_serves_too(tmp_path: Path):
    table = tmp_path / "judgments.parquet"
    pq.write_table(pa.table({"query": ["mug"], "product_id": ["a"], "gain": [0.5]}), table)
    assert read_judged(table, table).queries[0].gains == {"a": 0.5}


def test_files_that_do_not_meet_are_refused(tmp_path: Path):
    queries, judgments = tmp_path / "queries.csv", tmp_path / "judgments.csv"
    queries.write_text("query\nmug\n")
    judgments.write_text("query,asin,gain\ncup,a,1\n")
    with pytest.raises(InvalidJudgments, match="join"):
        read_judged(queries, judgments)
