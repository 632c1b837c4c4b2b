"""`vitrine train`: its arguments, and a run from a file of products to a model that loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from encoders.architectures.tokenizer import train_tokenizer
from encoders.loading import load_encoder
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
