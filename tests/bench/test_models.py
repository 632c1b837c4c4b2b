"""All fusion architectures on the same rendered catalogue, with the same number of steps: recall, and what it costs.

`BENCH_MODEL_STEPS` enlarges the budget, `BENCH_MODELS` names the architectures; what is measured once is kept in
build/bench-models, so that a broken run goes on.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.architectures.config import ARCHITECTURES, FusionConfig
from encoders.architectures.storage import new_model
from encoders.loading import load_encoder
from encoders.media.preparation import Pixels
from encoders.port import Encoder, as_joint_encoder
from encoders.spec import EmbeddingSpec, FloatArray, PartWeights, fuse_parts, fused_query_vector
from encoders.training.evaluation.metrics import bootstrap_interval, target_ranks
from query_api.config import QueryConfig
from tests.bench.fusion_training import HELD_OUT, LISTING, TRAINED, WORK, Budget, rendered_store, train
from tests.bench.report import BUILD, publish_report
from vitrine.samples.mini.data.item_store import ItemStore, TrainingItem

NAMES = os.environ.get("BENCH_MODELS", ",".join(ARCHITECTURES)).split(",")
STEPS = int(os.environ.get("BENCH_MODEL_STEPS", "120"))
SIDE = int(os.environ.get("BENCH_MODEL_SIDE", "48"))
TOLD = 1_000
"""Products whose words the vocabulary is learned from."""
REFERENCE: Final = "bert-resnet-mean"
WORDING: Final = 2
"""Among an item's texts another wording of its title, which its listing does not have."""


@dataclass(frozen=True)
class Task:
    """What is asked with, and what products have."""

    query_text: bool
    query_image: bool
    text: bool = True
    image: bool = True


TASKS: Final[Mapping[str, Task]] = {
    "text → product": Task(True, False),
    "image → product": Task(False, True),
    "text + image → product": Task(True, True),
    "text → product without text": Task(True, False, text=False),
    "image → product without picture": Task(False, True, image=False),
}


@pytest.mark.timeout(24 * 3600)
def test_architectures_are_compared_at_the_same_budget():
    torch.set_num_threads(1)
    results = {name: _result(name) for name in NAMES}
    rows = [row for name, result in results.items() for row in _rows(name, result, results.get(REFERENCE))]
    columns = ("model", "task", "R@1", "interval", "R@10", "interval ", "R@1 against the mean", "products/s", "weights")
    publish_report("models", columns, rows, [], steps=STEPS, batch=Budget.batch, side=SIDE, products=TRAINED)
    (BUILD / "reports" / "models.md").write_text(_markdown(results))
    assert all(np.isfinite(result["loss_s"]) for result in results.values())


def _result(name: str) -> dict[str, Any]:
    """What was measured of an architecture, now or in an earlier run of the same budget."""
    path = WORK / f"{name}-{STEPS}-{SIDE}.json"
    if not path.is_file():
        path.write_text(json.dumps(_measured(name)))
    return json.loads(path.read_text())


def _measured(name: str) -> dict[str, Any]:
    store, held_out = rendered_store(TRAINED, 1), rendered_store(HELD_OUT, 1001)
    model = new_model(
        _sized(ARCHITECTURES[name]), (text for item in store.items[:TOLD] for text in item.english + item.chinese)
    )
    print(f"\n{name}", flush=True)
    started = time.process_time()
    train(model, store, Budget(STEPS))
    spent_s = time.process_time() - started
    directory = WORK / "trained" / name
    model.save(directory)
    encoder = load_encoder(str(directory), "cpu")
    speed, ranks = _ranks(encoder, held_out)
    weights = sum(parameter.numel() for parameter in model.parameters())
    return {"ranks": ranks, "products_per_s": speed, "weights": weights, "loss_s": spent_s}


def _sized(config: FusionConfig) -> FusionConfig:
    return replace(config, image=replace(config.image, side=SIDE, patch=SIDE // 4))


def _ranks(encoder: Encoder, store: ItemStore) -> tuple[float, dict[str, list[int]]]:
    """Products encoded a second, and the rank of each product in each task, as the index would search."""
    asked = encoder.encode_texts([_texts(item, row)[WORDING] for row, item in enumerate(store.items)])
    photos = encoder.encode_images(_pixels(encoder, store, 1))
    listings = [_texts(item, row)[LISTING] for row, item in enumerate(store.items)]
    packshots = _pixels(encoder, store, 0)
    found: dict[str, list[int]] = {}
    speed = 0.0
    for name, task in TASKS.items():
        started = time.process_time()
        index = _index(encoder, listings if task.text else None, packshots if task.image else None)
        speed = max(speed, len(index) / (time.process_time() - started) if task.text and task.image else 0.0)
        queries = _queries(encoder.spec, asked if task.query_text else None, photos if task.query_image else None)
        found[name] = target_ranks(queries, index, range(len(index))).tolist()
    return speed, found


def _index(encoder: Encoder, texts: list[str] | None, images: list[Pixels] | None) -> FloatArray:
    """Fused vectors (n, 2·dim) of products of these texts and pictures."""
    count = len(texts or images or [])
    if encoder.spec.joint:
        rows = as_joint_encoder(encoder).encode_products(
            texts or [""] * count, [[image] for image in images] if images else [[]] * count
        )
        return np.stack([fuse_parts(encoder.spec, row, row) for row in rows])
    parts = encoder.encode_texts(texts) if texts else None, encoder.encode_images(images) if images else None
    return np.stack(
        [fuse_parts(encoder.spec, *(None if part is None else part[row] for part in parts)) for row in range(count)]
    )


def _queries(spec: EmbeddingSpec, texts: FloatArray | None, images: FloatArray | None) -> FloatArray:
    """Query vectors (n, 2·dim) with the weights that a query worker gives them."""
    config = QueryConfig()
    weights = PartWeights(config.mixed_query_text, config.mixed_query_image)
    if images is None:
        weights = PartWeights(config.text_query_text, config.text_query_image)
    elif texts is None:
        # A query by picture looks at pictures alone, save where products have none.
        weights = PartWeights(1e-3, config.image_query_image)
    rows = range(len(texts if texts is not None else images if images is not None else ()))
    sides = texts, images
    return np.stack(
        [fused_query_vector(spec, *(None if side is None else side[row] for side in sides), weights) for row in rows]
    )


def _texts(item: TrainingItem, row: int) -> list[str]:
    """The texts of an item in one language or the other, by turns."""
    return item.chinese if row % 2 else item.english


def _pixels(encoder: Encoder, store: ItemStore, view: int) -> list[Pixels]:
    return [encoder.preparer(Image.fromarray(views[view])) for views in store.pictures]


def _rows(name: str, result: dict[str, Any], reference: dict[str, Any] | None) -> list[tuple[Any, ...]]:
    return [
        (
            name,
            task,
            *_recall(result, task, 1),
            *_recall(result, task, 10),
            _difference(result, reference, task),
            round(result["products_per_s"]),
            result["weights"],
        )
        for task in TASKS
    ]


def _markdown(results: Mapping[str, dict[str, Any]]) -> str:
    """R@1 with its interval and R@10 of each model in each task, as the page on models shows them."""
    lines = [f"| model | {' | '.join(TASKS)} | products/s | weights |", "|" + " --- |" * (len(TASKS) + 3)]
    for name, result in results.items():
        cells: list[str] = []
        for task in TASKS:
            value, interval = _recall(result, task, 1)
            cells.append(f"{value:.3f} {interval} / {_recall(result, task, 10)[0]:.3f}")
        speed, weights = round(result["products_per_s"]), f"{result['weights'] / 1e6:.2f} M"
        lines.append(f"| {name} | {' | '.join(cells)} | {speed} | {weights} |")
    return "\n".join(lines) + "\n"


def _hits(result: dict[str, Any], task: str, k: int) -> np.ndarray:
    return (np.asarray(result["ranks"][task]) <= k).astype(np.float64)


def _recall(result: dict[str, Any], task: str, k: int) -> tuple[float, str]:
    hits = _hits(result, task, k)
    return round(float(hits.mean()), 3), _written(bootstrap_interval(hits))


def _difference(result: dict[str, Any], reference: dict[str, Any] | None, task: str) -> str:
    """The paired difference to the reference, with its interval."""
    if reference is None or reference is result:
        return ""
    paired = _hits(result, task, 1) - _hits(reference, task, 1)
    return f"{paired.mean():+.3f} {_written(bootstrap_interval(paired))}"


def _written(interval: tuple[float, float]) -> str:
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]"
