"""`vitrine train`: what it reads, and a run from a file of products to a model that loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from encoders.architectures.tokenizer import train_tokenizer
from encoders.loading import load_encoder
from encoders.training.data.listings import TrainingListing
from streams.training_data.files import NoCatalogue, catalogue_file, read_clicks, read_listings, with_clicks
from vitrine.cli import main

ROWS = [
    {"id": f"p-{number}", "title": f"{colour} {kind}", "category": f"Home > {kind}", "images": f"{colour}.png"}
    for number, (colour, kind) in enumerate((colour, kind) for colour in ("red", "blue") for kind in ("lamp", "vase"))
]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with a file of four products and their pictures."""
    for colour in ("red", "blue"):
        Image.new("RGB", (20, 20), colour).save(tmp_path / f"{colour}.png")
    (tmp_path / "products.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS), "utf-8")
    return tmp_path


def _said(lines: list[str]) -> str:
    return "\n".join(lines)


def test_a_catalogue_becomes_a_model_that_loads(shop: Path) -> None:
    threads = torch.get_num_threads()
    output = shop / "model"
    options = ["--output", str(output), "--work", str(shop / "work"), "--steps", "2", "--batch", "4", "--threads", "1"]
    result = CliRunner().invoke(main, ["train", "--catalog", str(shop), *options])
    torch.set_num_threads(threads)
    assert result.exit_code == 0, result.output
    assert f"vitrine reindex --encoder {output}" in result.output
    assert load_encoder(str(output), "cpu").spec.dim == 128
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert record["base"].startswith("mini@")
    assert record["data"]["pictures"] == 4


def test_a_text_checkpoint_becomes_a_model_to_be_trained(shop: Path) -> None:
    from transformers import BertConfig, BertModel

    text, joined = shop / "text", shop / "joined"
    train_tokenizer([row["title"] for row in ROWS], 60, 16).save_pretrained(text)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=60, max_position_embeddings=16, **shape)).save_pretrained(text)
    made = CliRunner().invoke(main, ["train", "join", "--text", str(text), "--dim", "16", "--output", str(joined)])
    assert made.exit_code == 0, made.output
    assert load_encoder(str(joined), "cpu").encode_texts(["red lamp"]).shape == (1, 16)
    refused = CliRunner().invoke(main, ["train", "join", "--text", str(shop), "--output", str(joined)])
    assert refused.exit_code == 1
    assert "cannot be loaded" in refused.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "give either --catalog FILE or --from-topics"),
        (["--from-topics", "--catalog", "."], "give either --catalog FILE or --from-topics"),
        (["--catalog", "."], "has no products file"),
    ],
)
def test_a_call_that_names_no_catalogue_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["train", *arguments])
    assert result.exit_code != 0
    assert reason in result.output


def test_rows_that_cannot_be_read_are_named_and_the_last_row_of_a_product_counts(shop: Path) -> None:
    rows = [*ROWS, {"title": "no id"}, {**ROWS[0], "title": "green lamp", "images": "https://shop.example/a.png"}]
    file = shop / "more.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    lines: list[str] = []
    listings = read_listings(file, shop, {}, None, lines.append)
    assert len(listings) == 4
    assert listings[0].passages[0] == "green lamp"
    assert listings[0].pictures == ()
    assert listings[1].category == "Home/vase"
    assert "line 5: no product_id" in _said(lines)
    assert "1 pictures are addresses" in _said(lines)


def test_rows_of_queries_and_products_become_what_products_are_searched_for(tmp_path: Path) -> None:
    file = tmp_path / "clicks.csv"
    file.write_text("query,product_id\nreading light,p-1\nreading light,p-1\nflowers,p-2\n", "utf-8")
    listings = with_clicks([TrainingListing("p-1", "lamp"), TrainingListing("p-2", "vase")], read_clicks(file, print))
    assert [one.queries for one in listings] == [("reading light", "reading light"), ("flowers",)]


def test_events_are_joined_by_their_query_and_by_their_session(tmp_path: Path) -> None:
    events = [
        {"type": "searched", "user_id": "u", "query": "for reading", "query_id": "q", "time": "2026-01-01"},
        {"type": "clicked", "user_id": "u", "product_id": "p-1", "query_id": "q", "time": "2026-01-01"},
        {"type": "viewed", "user_id": "u", "product_id": "p-2", "session_id": "s", "time": "2026-01-01"},
        {"type": "viewed", "user_id": "u", "product_id": "p-3", "session_id": "s", "time": "2026-01-01"},
        {"type": "viewed", "user_id": "u", "product_id": "p-3", "session_id": "s", "time": "2026-01-02"},
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(event) for event in events), "utf-8")
    found = with_clicks([TrainingListing(f"p-{number}", "") for number in (1, 2, 3)], read_clicks(file, print))
    assert found[0].queries == ("for reading",)
    assert found[1].co_viewed == ("p-3",)
    assert found[2].co_viewed == ("p-2",)


def test_a_directory_without_products_says_what_it_looks_for(tmp_path: Path) -> None:
    with pytest.raises(NoCatalogue, match=r"products\.jsonl"):
        catalogue_file(tmp_path)
