"""The model that ships: small, loadable by anyone, and near where it should be."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModel, AutoProcessor

from encoders.loading import MINI_DIRECTORY, load_encoder
from encoders.media.borders import trim_borders
from encoders.port import Encoder
from encoders.spec import FloatArray, pool_vectors
from encoders.training.evaluation.metrics import recall_at, target_ranks
from tests.paths import SHARED_DATA
from vitrine.samples.catalogue import sample_products
from vitrine.samples.drawing.rendering import render

DATA = SHARED_DATA
UNSEEN_SEED = 777


@pytest.fixture(scope="module")
def mini() -> Encoder:
    return load_encoder("mini", "cpu")


@pytest.fixture(scope="module")
def packshots(mini: Encoder) -> FloatArray:
    products = sample_products(80, UNSEEN_SEED)
    return mini.encode_images([mini.preparer(render(product, size=160)) for product in products])


def test_it_fits_in_five_megabytes_with_its_tokenizer_card_and_record() -> None:
    files = [path for path in MINI_DIRECTORY.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 5_000_000
    assert {"README.md", "training.json", "config.json", "tokenizer.json"} <= {path.name for path in files}


def test_its_space_is_named_and_its_vectors_are_unit(mini: Encoder) -> None:
    assert mini.spec.model == "mini"
    assert mini.spec.dim == 128
    vectors = mini.encode_texts(["red shirt", "红色衬衫", ""])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_plain_transformers_give_the_same_vectors_of_pictures_without_borders(mini: Encoder) -> None:
    model, processor = (
        AutoModel.from_pretrained(MINI_DIRECTORY).float().eval(),
        AutoProcessor.from_pretrained(MINI_DIRECTORY),
    )
    picture = render(sample_products(1, UNSEEN_SEED)[0], size=200)
    with torch.inference_mode():
        batch = processor(
            text=["red shirt", "红色衬衫"], images=[trim_borders(picture)], padding=True, return_tensors="pt"
        )
        both = model(**batch)
    np.testing.assert_allclose(mini.encode_texts(["red shirt", "红色衬衫"]), both.text_embeds.numpy(), atol=1e-4)
    assert float(mini.encode_images([mini.preparer(picture)])[0] @ both.image_embeds[0].numpy()) > 0.999


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_unseen_products_are_found_by_their_titles(mini: Encoder, packshots: FloatArray, lang: str) -> None:
    titles = mini.encode_texts([product.title(lang) for product in sample_products(80, UNSEEN_SEED)])
    assert recall_at(target_ranks(titles, packshots, range(80)), 10) > 0.75


def test_titles_meet_across_languages(mini: Encoder) -> None:
    products = sample_products(80, UNSEEN_SEED)
    english, chinese = (mini.encode_texts([product.title(lang) for product in products]) for lang in ("en", "zh"))
    assert recall_at(target_ranks(english, chinese, range(80)), 10) > 0.9


def test_unseen_products_are_found_by_a_photo_in_the_wild(mini: Encoder, packshots: FloatArray) -> None:
    photos = [render(product, view=2, size=160) for product in sample_products(80, UNSEEN_SEED)]
    vectors = mini.encode_images([mini.preparer(photo) for photo in photos])
    assert recall_at(target_ranks(vectors, packshots, range(80)), 10) > 0.7


@pytest.mark.skipif(not DATA.is_dir(), reason="no real data beside the repository")
def test_shop_photos_of_unseen_groceries_beat_colour_histograms(mini: Encoder) -> None:
    products = [json.loads(line) for line in (DATA / "products.jsonl").read_text("utf-8").splitlines()]
    queries = [json.loads(line) for line in (DATA / "image_queries.jsonl").read_text("utf-8").splitlines()]
    index = np.stack([pool_vectors(_vectors(mini, product["images"]), 6.0) for product in products])
    row_of = {product["id"]: row for row, product in enumerate(products)}
    ranks = target_ranks(
        _vectors(mini, [q["image"] for q in queries]), index, [row_of[q["product_id"]] for q in queries]
    )
    assert recall_at(ranks, 5) > 0.3


def _vectors(encoder: Encoder, paths: list[str]) -> FloatArray:
    return encoder.encode_images([encoder.preparer(Image.open(DATA / path).convert("RGB")) for path in paths])
