"""`vitrine eval search` and `vitrine eval tune` over a query worker."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import CliRunner

from query_api.config import QueryConfig
from tests.shop import Shop
from vitrine.cli import main
from vitrine.settings import load_settings

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


async def stocked(config: QueryConfig) -> Shop:
    """A product of each kind in each colour, without pictures."""
    shop = Shop(config)
    for kind in KINDS:
        for colour in COLOURS:
            await shop.put(f"{kind}-{colour}", title=f"{colour} {kind}")
    return shop


@pytest.fixture
async def shop() -> Shop:
    return await stocked(QueryConfig())


@pytest.fixture
async def misweighted_shop() -> Shop:
    """It searches by pictures, and there are none."""
    return await stocked(QueryConfig(lexical=0.0, text_query_text=0.0, text_query_image=1.0))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Queries as CSV, judgments as gzipped JSON Lines, joined by id."""
    queries, judgments = tmp_path / "queries.csv", tmp_path / "judgments.jsonl.gz"
    rows = [(f"{kind}{at}", f"{colour} {kind}") for kind in KINDS for at, colour in enumerate(COLOURS)]
    queries.write_text("query_id,query\n" + "".join(f"{query_id},{text}\n" for query_id, text in rows))
    lines = [
        {"query_id": query_id, "asin": f"{kind}-{colour}", "label": "E" if f"{colour} {kind}" == text else "I"}
        for query_id, text in rows
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
    written = json.loads(report.read_text())
    assert written["means"][0]["nDCG@10"]["mean"] == pytest.approx(1.0)
    assert [configuration["name"] for configuration in written["configurations"]] == ["lexical", "dense"]
    assert written["facts"]["judgments"] == 18 * 6
    assert len(written["queries"]) == 18
    assert page.read_text().startswith("<!doctype html>")
    assert "nDCG@10" in ran.stdout and "worst queries" in ran.stdout


def test_a_configuration_may_be_of_another_worker(tmp_path: Path, shop: Shop, files: tuple[Path, Path]):
    report = tmp_path / "report.json"
    with served(Shop()) as empty, served(shop) as stocked:
        options = ["--queries", files[0], "--judgments", files[1], "--url", stocked, "--json", report]
        ran = run(tmp_path, "search", *options, "--against", json.dumps({"url": empty}))
    assert ran.exit_code == 0, ran.output
    written = json.loads(report.read_text())
    assert [means["MRR"]["mean"] for means in written["means"]] == [pytest.approx(1.0), 0.0]
    assert [configuration["name"] for configuration in written["configurations"]] == ["hybrid", "the other"]


def test_queries_without_a_right_product_are_refused(tmp_path: Path, shop: Shop):
    table = tmp_path / "judgments.csv"
    table.write_text("query,asin,label\nmug,mug-red,I\n")
    with served(shop) as url:
        ran = run(tmp_path, "search", "--queries", table, "--judgments", table, "--url", url)
    assert ran.exit_code == 2
    assert "no query has a right product" in ran.output


def test_tuning_recommends_what_beats_the_present_weights_on_held_out_queries(
    tmp_path: Path, misweighted_shop: Shop, files: tuple[Path, Path]
):
    report, settings = tmp_path / "tune.json", tmp_path / "vitrine.toml"
    with served(misweighted_shop) as url:
        options = ["--queries", files[0], "--judgments", files[1], "--url", url, "--json", report]
        ran = run(tmp_path, "tune", *options)
    assert ran.exit_code == 0, ran.output
    written = json.loads(report.read_text())
    assert written["recommended"] is True
    assert written["held_out"]["mean"] == pytest.approx(1.0) and written["present"]["mean"] < 0.5
    # What is printed is a settings file as it is.
    assert "\n".join(written["settings"]) in ran.stdout
    settings.write_text("\n".join(written["settings"]))
    query = load_settings({}, settings).query
    tuned = {"text": query.text_query_text, "image": query.text_query_image, "lexical": query.lexical}
    assert tuned == written["weights"] and not query.text_trust


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
