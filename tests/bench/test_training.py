"""What `vitrine train --catalog` wins on a shop's own photos: searches by photos that it did not see.

`BENCH_TRAINING_MINUTES` bounds each run, `BENCH_ENCODER` names what it starts from.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from encoders.loading import load_encoder
from encoders.port import Encoder
from encoders.spec import MAIN_IMAGE_WEIGHT, FloatArray, pool_vectors
from encoders.training.evaluation.metrics import bootstrap_interval
from tests.bench.report import BUILD, Target, publish_report
from tests.stack import shared_data
from vitrine.samples.mini.data.real_shops import AMATEUR_HELD_OUT_SHARE, BACKGROUND_COUNT, is_held_out

MINUTES = os.environ.get("BENCH_TRAINING_MINUTES", "10")
ENCODER = os.environ.get("BENCH_ENCODER", "mini")
_BATCH = 64
Found = dict[str, NDArray[np.float64]]
"""By search: 1 where a photo found what it should, else 0."""


@dataclass(frozen=True)
class Shop:
    """A catalogue to train on, and photos that it does not have."""

    catalogue: list[dict[str, Any]]
    unseen: list[dict[str, Any]]
    options: tuple[str, ...] = ()


def clothes(data: Path) -> Shop:
    """Amateur photos by their labels; unseen are those that `mini` was not trained on either."""
    rows = [row for row in _lines(data / "clothing_photos.jsonl") if row["label"] != "Skip"]
    places = {row["image"]: place for place, row in enumerate(_lines(data / "clothing_photos.jsonl"))}
    unseen = [
        row
        for row in rows
        if places[row["image"]] >= BACKGROUND_COUNT and is_held_out(row["image"], AMATEUR_HELD_OUT_SHARE)
    ]
    listed = [
        {
            "id": Path(row["image"]).stem,
            "title": ("kids " if row["kids"] == "True" else "") + row["label"],
            "category": f"clothing/{row['label'].lower()}",
            "images": [row["image"]],
        }
        for row in rows
        if row not in unseen
    ]
    return Shop(listed, unseen, ("--category-weight", "0.3"))


def groceries(data: Path) -> Shop:
    """All products, with half of the photos that shoppers took of groceries; unseen is the other half."""
    photos = _lines(data / "image_queries.jsonl")
    unseen = [row for row in photos if not is_held_out(row["image"], 0.5)]
    taken: dict[str, list[str]] = {}
    for row in photos:
        if row not in unseen:
            taken.setdefault(row["product_id"], []).append(row["image"])
    listed = [
        row | {"images": [*row["images"], *taken.get(row["id"], [])][:32]} for row in _lines(data / "products.jsonl")
    ]
    return Shop(listed, unseen)


def same_label(encoder: Encoder, shop: Shop, data: Path) -> Found:
    """Whether the nearest photo, and the nearest label, are those of an unseen photo's."""
    photos, queries = (_photos(encoder, data, [row["image"] for row in rows]) for rows in (_main(shop), shop.unseen))
    labels = sorted({row["label"] for row in shop.unseen})
    known = np.array([row["title"].removeprefix("kids ") for row in shop.catalogue])
    wanted = np.array([row["label"] for row in shop.unseen])
    nearest = known[np.argmax(queries @ photos.T, axis=1)]
    named = np.array(labels)[np.argmax(queries @ encoder.encode_texts(labels).T, axis=1)]
    return {
        "photo → photo of its kind, R@1": _share(nearest == wanted),
        "photo → its kind, R@1": _share(named == wanted),
    }


def own_product(encoder: Encoder, shop: Shop, data: Path) -> Found:
    """Whether an unseen photo's product is first, and among the first ten, by pictures alone."""
    index = np.stack([pool_vectors(_photos(encoder, data, row["images"]), MAIN_IMAGE_WEIGHT) for row in shop.catalogue])
    scores = _photos(encoder, data, [row["image"] for row in shop.unseen]) @ index.T
    row_of = {row["id"]: place for place, row in enumerate(shop.catalogue)}
    own = scores[np.arange(len(scores)), [row_of[row["product_id"]] for row in shop.unseen]]
    ranks = (scores >= own[:, None]).sum(axis=1)
    return {f"photo → product, R@{k}": _share(ranks <= k) for k in (1, 10)}


CASES: Mapping[str, tuple[Callable[[Path], Shop], Callable[[Encoder, Shop, Path], Found]]] = {
    "clothes": (clothes, same_label),
    "groceries": (groceries, own_product),
}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CASES)
def test_training_on_a_shops_own_photos_is_measured_on_photos_it_did_not_see(name: str, tmp_path: Path) -> None:
    data = shared_data()
    shop = CASES[name][0](data)
    before, after = (
        CASES[name][1](load_encoder(one, "cpu"), shop, data) for one in (ENCODER, _train(shop, data, tmp_path))
    )
    # Photos of one product are not independent; amateur photos are of one garment each.
    clusters = [row.get("product_id", row["image"]) for row in shop.unseen]
    rows, targets = [], []
    for measure in before:
        gain = after[measure] - before[measure]
        low, high = bootstrap_interval(gain, clusters)
        rows.append((measure, before[measure].mean(), after[measure].mean(), gain.mean(), f"[{low:+.3f}, {high:+.3f}]"))
        targets.append(Target(f"{measure}: gained at least", low, 0.0))
    columns = ("search", "before", "after", "gain", "95 % interval")
    publish_report(f"training-{name}", columns, rows, targets, minutes=MINUTES, photos=len(shop.unseen))


def _train(shop: Shop, data: Path, directory: Path) -> str:
    (directory / "products.jsonl").write_text("".join(json.dumps(row) + "\n" for row in shop.catalogue))
    work = BUILD / "bench-training"
    argv = ["train", "--catalog", directory / "products.jsonl", "--images", data, "--encoder", ENCODER]
    argv += ["--minutes", MINUTES, "--work", work, "--output", directory / "model", *shop.options]
    subprocess.run([sys.executable, "-m", "vitrine", *map(str, argv)], check=True)
    return str(directory / "model")


def _main(shop: Shop) -> list[dict[str, Any]]:
    return [{"image": row["images"][0]} for row in shop.catalogue]


def _photos(encoder: Encoder, data: Path, paths: Sequence[str]) -> FloatArray:
    prepared = [encoder.preparer(Image.open(data / path).convert("RGB")) for path in paths]
    return np.concatenate([encoder.encode_images(prepared[at : at + _BATCH]) for at in range(0, len(prepared), _BATCH)])


def _share(hits: Any) -> NDArray[np.float64]:
    return np.asarray(hits, np.float64)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
