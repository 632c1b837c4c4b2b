"""A tiny catalogue with words and coloured pictures, and the smallest checkpoint that learns."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.architectures.tokenizer import train_tokenizer
from encoders.training.data.listings import TrainingListing, make_listing
from vitrine.samples.mini.architecture import MiniArchitecture, build_model, export_model

COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (30, 40, 200), "yellow": (220, 210, 40)}
KINDS = ("shirt", "lamp", "kettle", "scarf")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def picture(colour: str, seed: int) -> bytes:
    noise = np.random.default_rng(abs(seed) * 2 + (seed < 0)).integers(-20, 20, (24, 24, 3))
    levels = np.clip(np.asarray(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


def _listing(number: int, colour: str, kind: str) -> TrainingListing:
    fields = {
        "product_id": f"p-{number}",
        "title": f"{colour} {kind}",
        "brand": "Nordlys",
        "category": f"Home/{kind}",
        "description": f"A {kind} for every day. Its colour is {colour}. Easy to clean number {number}.",
    }
    return make_listing(
        fields, f"{colour} {kind}. Nordlys. {kind}", [picture(colour, number), picture(colour, -number)]
    )


@pytest.fixture(scope="session")
def listings() -> list[TrainingListing]:
    """Sixteen products with two pictures each."""
    pairs = [(colour, kind) for colour in COLOURS for kind in KINDS]
    return [_listing(number, *pair) for number, pair in enumerate(pairs, 1)]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dual encoder with a vocabulary that knows few of the catalogue's words."""
    torch.manual_seed(0)
    shape = MiniArchitecture(
        dim=16, picture_side=16, picture_widths=(8, 16), picture_depths=(1, 1), text_width=16, text_layers=2,
        text_heads=2, pieces=120, max_tokens=16,
    )  # fmt: skip
    tokenizer = train_tokenizer(["a red thing in the shop", "the blue box"] * 3, shape.pieces, shape.max_tokens)
    shape = MiniArchitecture(**{**vars(shape), "pieces": len(tokenizer)})
    directory = tmp_path_factory.mktemp("checkpoint")
    export_model(build_model(shape), tokenizer, shape, directory)
    return directory
