"""What lower precision and pruning cost `mini` in recall, and what they are worth in speed and space."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.utils import prune

from encoders.backends.openvino import is_installed
from encoders.huggingface.dual_encoder import HfDualEncoder
from encoders.inference.runtime import Precision, Runtime
from encoders.loading import MINI_DIRECTORY, load_encoder
from encoders.media.preparation import Pixels
from encoders.port import Encoder
from encoders.spec import FloatArray
from encoders.training.evaluation.metrics import retrieval_report, target_ranks
from tests.bench.report import RUNS, publish_report
from vitrine.samples.catalogue import sample_products
from vitrine.samples.drawing.rendering import render

PRODUCTS = int(os.environ.get("BENCH_ENCODER_PRODUCTS", "400"))
SEED = 77_000
"""Products that `mini` was not trained on."""
PRUNED = (0.3, 0.5, 0.7)


@dataclass(frozen=True)
class Shop:
    """Products as they are searched: titles, studio pictures, and photos in the wild."""

    titles: list[str]
    pictures: list[Pixels]
    photos: list[Pixels]

    @classmethod
    def rendered(cls, encoder: Encoder) -> Shop:
        """A catalogue for an encoder's input size."""
        products = sample_products(PRODUCTS, SEED)
        studio, wild = ([encoder.preparer(render(product, view)) for product in products] for view in (0, 1))
        return cls([product.title(product.lang) for product in products], studio, wild)


def variants() -> Iterator[tuple[str, Callable[[], Encoder]]]:
    """Each way to run `mini`, by name."""
    yield "torch, float32", lambda: load_encoder("mini", "cpu")
    yield "torch, bfloat16", lambda: load_encoder("mini", Runtime("cpu", precision="bfloat16"))
    if is_installed():
        precisions: tuple[Precision, ...] = ("float32", "bfloat16", "int8")
        for precision in precisions:
            yield f"openvino, {precision}", lambda one=precision: load_encoder("mini", Runtime("cpu", "openvino", one))


def pruned(share: float) -> Encoder:
    """`mini` without the smallest of its matrices' weights.

    Source: Han et al., 2015, "Learning both weights and connections for efficient neural networks"; not trained after.
    """
    encoder = HfDualEncoder(MINI_DIRECTORY, torch.device("cpu"))
    layers = [module for module in encoder.model.modules() if isinstance(module, (torch.nn.Linear, torch.nn.Conv2d))]
    weights = [(layer, "weight") for layer in layers]
    prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=share)
    for layer in layers:
        prune.remove(layer, "weight")
    return encoder


def test_compression() -> None:
    loaded = {name: load() for name, load in variants()}
    loaded |= {f"torch, {share:.0%} pruned": pruned(share) for share in PRUNED}
    plain = loaded["torch, float32"]
    shop = Shop.rendered(plain)
    base = plain.encode_texts(shop.titles), plain.encode_images(shop.photos)
    speeds: dict[str, list[float]] = {name: [] for name in loaded}
    for _ in range(RUNS):
        for name, encoder in loaded.items():
            started = time.perf_counter()
            encoder.encode_texts(shop.titles)
            encoder.encode_images(shop.pictures)
            speeds[name].append(PRODUCTS / (time.perf_counter() - started))
    rows = [[name, *_quality(encoder, shop, base), statistics.median(speeds[name])] for name, encoder in loaded.items()]
    columns = ["way", "least cosine", "text → picture @1", "@10", "photo → picture @1", "@10", "products/s"]
    publish_report("encoder-compression", columns, rows, [], products=PRODUCTS)


def _quality(encoder: Encoder, shop: Shop, base: tuple[FloatArray, FloatArray]) -> list[object]:
    """Least cosine to what torch in float32 makes, and recalls with their intervals."""
    texts, photos = encoder.encode_texts(shop.titles), encoder.encode_images(shop.photos)
    pictures = encoder.encode_images(shop.pictures)
    cosine = min(float(np.min(np.sum(one * other, 1))) for one, other in zip(base, (texts, photos), strict=True))
    searches = [
        retrieval_report("", target_ranks(rows, pictures, range(PRODUCTS)), PRODUCTS) for rows in (texts, photos)
    ]
    return [f"{cosine:.5f}", *(str(search.recalls[at]) for search in searches for at in (0, 2))]
