"""Every family, by configuration alone, gives what a direct forward pass of the model gives."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import AutoModel, AutoProcessor

from encoders.errors import ModelUnavailable
from encoders.huggingface.dual_encoder import HfDualEncoder
from encoders.inference.runtime import Precision, Runtime
from encoders.loading import load_encoder
from encoders.port import HashEncoder
from tests.unit.encoders.conftest import FAMILIES

CPU = torch.device("cpu")
PREPARED_BY_TRANSFORMERS = [family for family in FAMILIES if family != "semantic-visual"]
"""All but the one that keeps a picture's proportions within a margin, which no processor of transformers does."""
TEXTS = ["a red cotton shirt", "blue running shoes with long sleeves " * 8, "", "红色棉质衬衫", "green apple"]


def _pictures() -> list[Image.Image]:
    sizes = [(90, 60), (48, 120), (32, 32), (300, 41)]
    pictures = []
    for number, size in enumerate(sizes):
        picture = Image.new("RGB", size, (40 * number, 200, 255 - 50 * number))
        ImageDraw.Draw(picture).ellipse((4, 4, size[0] // 2, size[1] - 6), fill=(230, 30 * number, 60))
        pictures.append(picture)
    return pictures


def _features(result: object) -> np.ndarray:
    tensor = result if isinstance(result, torch.Tensor) else result.pooler_output
    return torch.nn.functional.normalize(tensor, dim=-1).numpy()


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_match_a_direct_forward_pass(checkpoints_root: Path, family: str) -> None:
    directory = checkpoints_root / family
    encoder = HfDualEncoder(directory, CPU)
    model, processor = AutoModel.from_pretrained(directory).eval(), AutoProcessor.from_pretrained(directory)
    padding = "max_length" if family.startswith("siglip") else True
    with torch.inference_mode():
        batch = processor(text=TEXTS, padding=padding, truncation=True, max_length=16, return_tensors="pt")
        expected = _features(model.get_text_features(**batch))
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), expected, atol=2e-5)


@pytest.mark.parametrize("family", PREPARED_BY_TRANSFORMERS)
def test_pictures_match_a_direct_forward_pass(checkpoints_root: Path, family: str) -> None:
    directory = checkpoints_root / family
    encoder = HfDualEncoder(directory, CPU)
    model, processor = AutoModel.from_pretrained(directory).eval(), AutoProcessor.from_pretrained(directory)
    with torch.inference_mode():
        expected = _features(model.get_image_features(**processor.image_processor(_pictures(), return_tensors="pt")))
    vectors = encoder.encode_images([encoder.preparer(picture) for picture in _pictures()])
    assert np.min(np.sum(vectors * expected, axis=1)) > 0.9995


@pytest.mark.parametrize("family", PREPARED_BY_TRANSFORMERS)
def test_prepared_pixels_agree_with_the_checkpoints_own_processor(checkpoints_root: Path, family: str) -> None:
    encoder = HfDualEncoder(checkpoints_root / family, CPU)
    processor = AutoProcessor.from_pretrained(checkpoints_root / family)
    for picture in _pictures():
        theirs = processor.image_processor([picture], return_tensors="pt")["pixel_values"]
        ours = encoder.images.model_inputs(
            [encoder.preparer(picture)], lambda rows: torch.from_numpy(np.stack([*rows]))
        )["pixel_values"]
        assert ours.shape == theirs.shape
        assert float((ours - theirs).abs().mean()) < 0.01


@pytest.mark.parametrize("family", FAMILIES)
def test_vectors_do_not_depend_on_the_batch(checkpoints_root: Path, family: str) -> None:
    encoder = HfDualEncoder(checkpoints_root / family, CPU)
    together = encoder.encode_texts(TEXTS * 30)
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    np.testing.assert_allclose(together[: len(TEXTS)], alone, atol=1e-5)
    np.testing.assert_allclose(together[-len(TEXTS) :], alone, atol=1e-5)


def test_nothing_in_gives_no_rows_of_the_right_width(checkpoints_root: Path) -> None:
    encoder = HfDualEncoder(checkpoints_root / "clip", CPU)
    assert encoder.encode_texts([]).shape == encoder.encode_images([]).shape == (0, encoder.spec.dim) == (0, 24)


def test_text_that_no_tokenizer_takes_is_made_readable(checkpoints_root: Path) -> None:
    encoder = HfDualEncoder(checkpoints_root / "clip", CPU)
    vectors = encoder.encode_texts(["red \ud800 shirt", "red " * 1_000_000])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_version_follows_the_weights_and_the_configuration(checkpoints_root: Path, tmp_path: Path) -> None:
    original = load_encoder(str(checkpoints_root / "clip"), "cpu").spec
    shutil.copytree(checkpoints_root / "clip", tmp_path / "clip")
    assert load_encoder(str(tmp_path / "clip"), "cpu").spec == original
    path = tmp_path / "clip" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"logit_scale_init_value": 1.0}))
    assert load_encoder(str(tmp_path / "clip"), "cpu").spec.version != original.version


def test_the_double_is_loaded_by_name() -> None:
    assert isinstance(load_encoder("hash"), HashEncoder)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no model directory '.*nowhere'"):
        load_encoder(str(tmp_path / "nowhere"))


def test_a_directory_without_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"config\.json"):
        load_encoder(str(tmp_path))


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelUnavailable, match="'bert'"):
        load_encoder(str(tmp_path))


def test_pickled_weights_are_never_loaded(checkpoints_root: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoints_root / "clip", tmp_path / "clip")
    (tmp_path / "clip" / "model.safetensors").unlink()
    torch.save({}, tmp_path / "clip" / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="pickled"):
        load_encoder(str(tmp_path / "clip"))


def test_broken_weights_are_refused(checkpoints_root: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoints_root / "clip", tmp_path / "clip")
    (tmp_path / "clip" / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
    with pytest.raises(ModelUnavailable):
        load_encoder(str(tmp_path / "clip"), "cpu")


def test_a_picture_size_that_the_tower_does_not_take_is_refused(checkpoints_root: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoints_root / "bert-vit", tmp_path / "vit")
    for path in tmp_path.joinpath("vit").glob("*processor_config.json"):
        path.write_text(path.read_text().replace("32", "40"))
    with pytest.raises(ModelUnavailable, match="do not fit"):
        load_encoder(str(tmp_path / "vit"), "cpu")


def test_an_unknown_device_is_named(checkpoints_root: Path) -> None:
    with pytest.raises(ModelUnavailable, match="'gpu9'"):
        load_encoder(str(checkpoints_root / "clip"), "gpu9")


def test_compiled_towers_agree_and_see_few_shapes(checkpoints_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is compiled is the same as with the default backend, without minutes of a C++ compiler.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    plain = HfDualEncoder(checkpoints_root / "clip", CPU)
    compiled = HfDualEncoder(checkpoints_root / "clip", CPU, runtime=Runtime(compile=True))
    counted = torch._dynamo.utils.counters["stats"]
    compiled.encode_texts(TEXTS[:2])
    before = counted["unique_graphs"]
    for texts in (TEXTS[:1], TEXTS[1:3], TEXTS[2:4]):
        np.testing.assert_allclose(compiled.encode_texts(texts), plain.encode_texts(texts), atol=1e-4)
    assert counted["unique_graphs"] - before <= 2


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_is_near_and_a_space_of_its_own(checkpoints_root: Path, precision: Precision) -> None:
    plain = HfDualEncoder(checkpoints_root / "clip", CPU)
    half = HfDualEncoder(checkpoints_root / "clip", CPU, runtime=Runtime(precision=precision))
    assert half.spec.version == f"{plain.spec.version}+{precision}"
    assert np.min(np.sum(half.encode_texts(TEXTS) * plain.encode_texts(TEXTS), axis=1)) > 0.99
    pictures = [plain.preparer(picture) for picture in _pictures()]
    assert np.min(np.sum(half.encode_images(pictures) * plain.encode_images(pictures), axis=1)) > 0.99


def test_a_precision_that_torch_does_not_have_is_refused(checkpoints_root: Path) -> None:
    with pytest.raises(ModelUnavailable, match="int8"):
        HfDualEncoder(checkpoints_root / "clip", CPU, runtime=Runtime(precision="int8"))


def test_remote_code_is_never_run(checkpoints_root: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoints_root / "clip", tmp_path / "clip")
    (tmp_path / "clip" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    for name in ("config.json", "tokenizer_config.json", "processor_config.json"):
        path = tmp_path / "clip" / name
        facts = json.loads(path.read_text())
        kinds = ("AutoConfig", "AutoModel", "AutoTokenizer", "AutoProcessor", "AutoImageProcessor")
        path.write_text(json.dumps({**facts, "auto_map": {kind: f"evil.{kind}" for kind in kinds}}))
    load_encoder(str(tmp_path / "clip"), "cpu")
    assert not (tmp_path / "ran").exists()


def test_weights_that_only_an_index_of_others_leads_to_are_refused(checkpoints_root: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoints_root / "clip", tmp_path / "clip")
    weights = tmp_path / "clip" / "model.safetensors"
    torch.save({"x": torch.zeros(1)}, tmp_path / "clip" / "pytorch_model.bin")
    (tmp_path / "clip" / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": {"logit_scale": "pytorch_model.bin"}})
    )
    weights.rename(tmp_path / "clip" / "other.safetensors")
    with pytest.raises(ModelUnavailable):
        load_encoder(str(tmp_path / "clip"), "cpu")
