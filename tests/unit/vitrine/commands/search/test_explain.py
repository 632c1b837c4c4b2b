"""`vitrine explain` over a query worker: what a person reads."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from click.testing import CliRunner, Result

from encoders.speech.port import ScriptedRecogniser, Transcript
from tests.shop import Shop, png
from tests.unit.sounds import clip, tone
from vitrine.cli import main


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a query worker over three mugs, in a thread."""
    shop = Shop(recogniser=ScriptedRecogniser(Transcript("blue mug", ("glue mug",))))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(shop.app, log_config=None))

        async def serve() -> None:
            for at, colour in enumerate(("red", "blue", "green")):
                await shop.put(f"mug-{colour}", png(colour), title=f"{colour} mug", price=5.0 + at, brand="[b]Acme")
            await server.serve([listener])

        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(10)
    shop.close()


@pytest.fixture
def explain(port: int, tmp_path, monkeypatch):
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VITRINE_QUERY_PORT", str(port))

    def run(*arguments: str) -> Result:
        ran = CliRunner().invoke(main, ["explain", *arguments])
        assert ran.exit_code == 0, ran.output
        return ran

    return run


def test_a_hit_is_told_its_place_its_parts_and_its_words(explain):
    said = explain("red mug", "mug-red").stdout
    assert said.startswith("mug-red is hit 1 of 3.")
    assert "lexical" in said and "mug-blue" in said
    assert "red  in title" in said and "mug  in title" in said
    assert "version 1 · last event test/event" in said


def test_what_is_not_there_is_told_why(explain):
    assert "no event of a product nobody has been indexed" in explain("red mug", "nobody").stdout
    filtered = explain("red mug", "mug-red", "--filter", "price>5", "--filter", "brand=Other").stdout
    assert "the filter on price wants > 5; the product's is 5" in filtered
    assert "the filter on brand wants Other; the product's is [b]Acme" in filtered
    assert "it would be at the place of hit 1" in filtered
    assert "it has none of the query's words (teapot)" in explain("teapot", "mug-red", "--mode", "lexical").stdout
    assert "hit 1 (mug-red) beats it by" in explain("red", "mug-blue", "-k", "1").stdout


def test_pictures_products_and_filters_are_searched_with_too(explain, tmp_path):
    (tmp_path / "red.png").write_bytes(png("red"))
    assert "is hit 1" in explain("mug-red", "--image", str(tmp_path / "red.png")).stdout
    assert "left out" in explain("mug-red", "--like", "mug-red").stdout
    assert "is hit" in explain("mug-red", "--filter", "price<9").stdout


def test_spoken_queries_and_clips_are_searched_with_too(explain, tmp_path):
    (tmp_path / "query.wav").write_bytes(tone(0.2))
    (tmp_path / "clip.mp4").write_bytes(clip(["red"]))
    said = explain("mug-blue", "--audio", str(tmp_path / "query.wav")).stdout
    assert said.startswith("mug-blue is hit 1 of 3.")
    assert "note: the spoken query was heard as “blue mug”, or “glue mug”" in said
    assert "mug-red is hit" in explain("mug-red", "--video", str(tmp_path / "clip.mp4")).stdout


def test_json_is_the_routes_answer(explain):
    found = json.loads(explain("red mug", "mug-red", "--json").stdout)
    assert found["verdict"] == "shown" and found["place"]["explanation"]["terms"][0]["fields"] == ["title"]
