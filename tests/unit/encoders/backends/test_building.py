"""Towers built by operations: the same embeddings as by torch, and no half of a model that is not known."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from encoders.backends.building import built
from encoders.backends.manifest import WORD_TABLE, Manifest
from encoders.backends.openvino import OpenVinoTowers, has_bfloat16
from encoders.backends.towers import Towers
from encoders.backends.weights import CheckpointWeights
from encoders.errors import ModelUnavailable
from encoders.huggingface.dual_encoder import HfDualEncoder
from encoders.inference.parity import min_cosine
from encoders.inference.runtime import Runtime
from encoders.loading import MINI_DIRECTORY, load_encoder
from encoders.packages import is_installed

TEXTS = ["a red cotton shirt", "blue running shoes with long sleeves " * 8, "", "红色棉质衬衫", "green apple, 500 g"]
WITHOUT_TORCH = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "transformers"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def _ready(towers: Towers, directory: Path, precision: str) -> OpenVinoTowers:
    towers.write(directory)
    return OpenVinoTowers(
        directory, Manifest(towers.dim, towers.tokens, towers.preparer, {}), (precision, precision), 1
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", ["mini", "bert-convnext", "semantic-visual"])
def test_they_agree_with_torch(checkpoints_root: Path, tmp_path: Path, family: str, precision: str) -> None:
    directory = MINI_DIRECTORY if family == "mini" else checkpoints_root / family
    towers, by_torch = built(directory), HfDualEncoder(directory, torch.device("cpu"))
    assert towers.preparer == by_torch.preparer and towers.tokens == by_torch.texts.rules
    texts, pictures = towers.probes()
    texts += TEXTS
    assert towers.batcher().token_ids(texts) == by_torch.texts.token_ids(texts)
    ours = _ready(towers, tmp_path, precision)
    expected = by_torch.encode_texts(texts), by_torch.encode_images(pictures)
    least = min_cosine(expected, (ours.encode_texts(texts), ours.encode_images(pictures)))
    assert least > (0.99999 if precision == "float32" or not has_bfloat16() else 0.999)


def test_a_large_table_of_words_stays_on_disk(
    checkpoints_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _ready(built(checkpoints_root / "semantic-visual"), tmp_path, "float32").encode_texts(TEXTS)
    monkeypatch.setattr("encoders.backends.building.LARGE_TABLE", 1)
    towers = built(checkpoints_root / "semantic-visual")
    apart = _ready(towers, tmp_path, "float32").encode_texts(TEXTS)
    assert (tmp_path / WORD_TABLE).stat().st_size > 0 and "word_vectors" in towers.text_inputs("a shirt")
    assert min_cosine([whole], [apart]) > 0.99999


@pytest.mark.skipif(not is_installed("nncf"), reason="the package nncf is not installed")
def test_8_bits_are_calibrated_without_a_catalogue(tmp_path: Path) -> None:
    # Made ready in a process of its own: nncf changes how the one that imports it logs.
    runtime = Runtime("cpu", "openvino", "int8", cache_dir=str(tmp_path / "models"))
    small, exact = load_encoder("mini", runtime), _ready(built(MINI_DIRECTORY), tmp_path, "float32")
    texts = ["a red cotton shirt", "blue running shoes for women", "two green apples", "红色棉质衬衫", "蓝色跑鞋"]
    noise = Image.effect_noise((90, 60), 60).convert("RGB")
    pictures = [small.preparer(picture) for picture in (Image.new("RGB", (90, 60), "red"), noise)]
    expected = exact.encode_texts(texts), exact.encode_images(pictures)
    assert 0.95 < min_cosine(expected, (small.encode_texts(texts), small.encode_images(pictures))) < 0.99999


@pytest.mark.parametrize("family", ["clip", "siglip", "bert-vit"])
def test_what_is_not_known_is_refused(checkpoints_root: Path, family: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"not built by operations|none of"):
        built(checkpoints_root / family)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(MINI_DIRECTORY, tmp_path / "model")
    return tmp_path / "model"


def _change(path: Path, *keys: str, to: object) -> None:
    document = part = json.loads(path.read_text("utf-8"))
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = to
    path.write_text(json.dumps(document), "utf-8")


@pytest.mark.parametrize(
    ("file", "keys", "to", "reason"),
    [
        ("config.json", ("text_config", "hidden_act"), "mish", "activation 'mish'"),
        ("config.json", ("text_config", "position_embedding_type"), "relative_key", "relative positions"),
        ("config.json", ("text_config", "num_hidden_layers"), 1, "of no known use"),
        ("config.json", ("text_config", "num_hidden_layers"), 3, "lack text_model.encoder.layer.2"),
        ("config.json", ("vision_config",), {"model_type": "convnext"}, "KeyError"),
        ("processor_config.json", ("image_processor", "do_rescale"), None, "all its settings"),
        ("processor_config.json", ("image_processor", "image_processor_type"), "Odd", "image processor"),
        ("tokenizer_config.json", ("do_lower_case",), False, "disagree about lower case"),
    ],
)
def test_a_checkpoint_that_asks_for_more_is_refused(
    copied: Path, file: str, keys: tuple[str, ...], to: object, reason: str
) -> None:
    _change(copied / file, *keys, to=to)
    with pytest.raises(ModelUnavailable, match=reason):
        built(copied)


def test_a_tensor_that_is_not_taken_is_a_part_that_would_be_missing(copied: Path) -> None:
    weights = load_file(copied / "model.safetensors")
    save_file({**weights, "text_model.adapter.weight": np.ones(2, np.float32)}, copied / "model.safetensors")
    with pytest.raises(ModelUnavailable, match=r"text_model\.adapter\.weight"):
        built(copied)


def test_broken_weights_are_named(copied: Path) -> None:
    (copied / "model.safetensors").write_bytes(b"\0" * 20)
    with pytest.raises(ModelUnavailable, match=r"model\.safetensors cannot be read"):
        built(copied)


def test_weights_of_all_kinds_of_floats_are_read(tmp_path: Path) -> None:
    from safetensors.torch import save_file as save_torch

    values = torch.tensor([[1.5, -2.0], [0.25, 3.0]])
    kinds = {"a": torch.bfloat16, "b": torch.float16, "c": torch.float64, "d": torch.float32}
    save_torch({name: values.to(kind) for name, kind in kinds.items()}, tmp_path / "model.safetensors")
    weights = CheckpointWeights(tmp_path)
    for name in kinds:
        taken = weights.take(name)
        assert taken.dtype == np.float32 and np.array_equal(taken, values.numpy())
    weights.check_all_taken()


def test_mini_is_made_ready_and_run_where_there_is_no_torch(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_TORCH)
    program = f"""
import numpy as np
from PIL import Image
from encoders.errors import MissingPackage
from encoders.loading import load_encoder
from encoders.inference.runtime import Runtime
encoder = load_encoder("mini", Runtime(backend="auto", precision="auto", cache_dir={str(tmp_path / "models")!r}))
rows = encoder.encode_texts(["a red shirt", "红色衬衫"])
picture = encoder.encode_images([encoder.preparer(Image.new("RGB", (90, 60), "red"))])
np.save({str(tmp_path / "rows.npy")!r}, np.concatenate([rows, picture]))
try:
    load_encoder("mini", Runtime(backend="torch"))
except MissingPackage as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert "pip install 'vitrine[torch]'" in ran.stdout
    by_torch = HfDualEncoder(MINI_DIRECTORY, torch.device("cpu"))
    picture = by_torch.encode_images([by_torch.preparer(Image.new("RGB", (90, 60), "red"))])
    expected = np.concatenate([by_torch.encode_texts(["a red shirt", "红色衬衫"]), picture])
    assert min_cosine([expected], [np.load(tmp_path / "rows.npy")]) > 0.999
