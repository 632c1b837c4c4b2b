"""`vitrine eval search` and `vitrine eval tune` over a query worker."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uvicorn
from click.testing import CliRunner

from tests.shop import Shop
from vitrine.cli import main
from vitrine.errors import InvalidJudgments
from vitrine.evaluation.judged_files import read_judged

COLOURS = ("red", "blue", "green", "black", "white", "pink")
KINDS = ("hoodie", "mug", "lamp")


@contextmanager
def served(shop: Shop) -> Iterator[str]:
    """The worker's URL."""
    server = uvicorn.Server(uvicorn.Config(shop.app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
async def shop() -> Shop:
    shop = Shop()
    for kind in KINDS:
        for colour in COLOURS:
            await shop.put(f"{kind}-{colour}", title=f"{colour} {kind}")
    return shop


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Queries as CSV, judgments as gzipped JSON Lines, joined by id."""
    queries, judgments = tmp_path / "queries.csv", tmp_path / "judgments.jsonl.gz"
    rows = [(f"{kind}{at}", f"{colour} {kind}") for kind in KINDS for at, colour in enumerate(COLOURS)]
    queries.write_text("query_id,query\n" + "".join(f"{one},{text}\n" for one, text in rows))
    lines = [
        {"query_id": one, "asin": f"{kind}-{colour}", "label": "E" if f"{colour} {kind}" == text else "I"}
        for one, text in rows
        for colour in COLOURS
        for kind in [text.split()[1]]
    ]
    judgments.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    return queries, judgments


def run(tmp_path: Path, *arguments: object) -> Any:
    data = ["--data-dir", str(tmp_path / "data")]
    return CliRunner().invoke(main, [*data, "eval", *map(str, arguments)], env={"VITRINE_CONFIG": None})


def test_search_is_measured_and_compared(tmp_path: Path, shop: Shop, files: tuple[Path, Path]):
    report, page = tmp_path / "r" / "report.json", tmp_path / "r" / "report.html"
    with served(shop) as url:
        options = ["--queries", files[0], "--judgments", files[1], "--url", url, "--json", report, "--html", page]
        ran = run(tmp_path, "search", *options, "--mode", "lexical", "--against", '{"mode": "dense"}')
    assert ran.exit_code == 0, ran.output
    found = json.loads(report.read_text())
    assert found["means"][0]["nDCG@10"]["mean"] == pytest.approx(1.0)
    assert [one["name"] for one in found["configurations"]] == ["lexical", "dense"]
    assert found["facts"]["judgments"] == 18 * 6
    assert len(found["queries"]) == 18
    assert page.read_text().startswith("<!doctype html>")
    assert "nDCG@10" in ran.stdout and "worst queries" in ran.stdout


def test_tuning_refuses_to_recommend_what_does_not_beat_the_present_weights(
    tmp_path: Path, shop: Shop, files: tuple[Path, Path]
):
    report = tmp_path / "tune.json"
    with served(shop) as url:
        options = ["--queries", files[0], "--judgments", files[1], "--url", url, "--json", report]
        ran = run(tmp_path, "tune", *options)
    assert ran.exit_code == 3, ran.output
    assert "not recommended" in ran.stdout
    assert json.loads(report.read_text())["recommended"] is False


def test_without_a_worker_the_way_out_is_said(tmp_path: Path, files: tuple[Path, Path]):
    ran = run(tmp_path, "search", "--queries", files[0], "--judgments", files[1], "--url", "http://127.0.0.1:9")
    assert ran.exit_code == 1
    assert "vitrine up" in ran.output


def test_options_that_are_no_json_are_refused(tmp_path: Path, files: tuple[Path, Path]):
    ran = run(tmp_path, "search", "--queries", files[0], "--judgments", files[1], "--weights", "{text}")
    assert ran.exit_code == 2
    assert "--weights" in ran.output


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
