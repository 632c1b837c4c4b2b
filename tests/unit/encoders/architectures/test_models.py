"""Every architecture: what it embeds, what a missing modality does, that it learns, and that it is kept whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from encoders.architectures.config import ARCHITECTURES, FusionConfig
from encoders.architectures.matching import matching_loss
from encoders.architectures.storage import new_model
from encoders.errors import ModelUnavailable, SpecMismatch
from encoders.loading import load_encoder
from encoders.port import as_joint_encoder
from tests.unit.encoders.tiny_models import SIDE, TEXTS, tiny_config, tiny_model

NAMES = list(ARCHITECTURES)


def pictures(count: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8))


def levels(count: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures(count, seed))).permute(0, 3, 1, 2) / 255


NONE = torch.zeros(0, 3, SIDE, SIDE), torch.zeros(0, dtype=torch.int64)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_products_have_unit_rows_with_any_modality_missing(name: str):
    model = tiny_model(name)
    rows = model.embed_products(["red shirt", "", "blue shoes"], levels(3), torch.tensor([0, 1, 0]))
    assert rows.shape == (3, model.dim) and rows.dtype == torch.float32
    assert torch.allclose(rows.norm(dim=1), torch.ones(3), atol=1e-5)
    assert not torch.allclose(rows[0], rows[2], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_a_product_has_the_same_row_alone_and_in_any_batch(name: str):
    model, own = tiny_model(name), levels(4)
    texts = [TEXTS[0], "", TEXTS[1], "red"]
    batch = model.embed_products(texts, own, torch.tensor([2, 0, 1, 2]))
    alone = [
        model.embed_products(texts[:1], own[1:2], torch.tensor([0])),
        model.embed_products([""], own[2:3], torch.tensor([0])),
        model.embed_products(texts[2:3], own[[0, 3]], torch.tensor([0, 0])),
        model.embed_products(texts[3:], *NONE),
    ]
    assert torch.allclose(batch, torch.cat(alone), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_the_first_of_several_pictures_counts_most(name: str):
    model, own = tiny_model(name), levels(2)
    owners = torch.tensor([0, 0])
    one, other = (model.embed_products(["shirt"], own[order], owners) for order in ([0, 1], [1, 0]))
    alone = model.embed_products(["shirt"], own[:1], owners[:1])
    assert (one @ alone.T).item() > (other @ alone.T).item()


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_that_can_be_trained_gets_a_gradient(name: str):
    model = new_model(tiny_config(name), TEXTS).train()
    products = model.embed_products(["red shirt", "blue shoes", ""], levels(4), torch.tensor([0, 0, 2, 2]))
    queries = torch.cat([model.embed_texts(["shirt"]), model.embed_images(levels(2, seed=1))])
    matching_loss(queries, products, model.config.matching, 10.0).backward()
    still = [
        parameter for parameter, weight in model.named_parameters() if weight.requires_grad and weight.grad is None
    ]
    assert not still


@pytest.mark.parametrize("name", NAMES)
def test_a_few_steps_lower_the_loss(name: str):
    torch.manual_seed(0)
    model = new_model(tiny_config(name), TEXTS).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    seen, losses = levels(4), []
    for _ in range(25):
        products = model.embed_products(TEXTS, seen, torch.arange(4))
        loss = sum(
            matching_loss(queries, products, model.config.matching, 10.0)
            for queries in (model.embed_texts(TEXTS), model.embed_images(seen))
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.2


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_what_is_saved_is_loaded_with_the_same_embeddings(name: str, tmp_path: Path):
    model = tiny_model(name)
    model.save(tmp_path / name)
    encoder = load_encoder(str(tmp_path / name), "cpu")
    assert (encoder.spec.model, encoder.spec.dim, encoder.spec.joint) == (name, model.dim, model.config.joint)
    images = pictures(3)
    assert np.allclose(encoder.encode_texts([*TEXTS, ""]), model.embed_texts([*TEXTS, ""]), atol=1e-5)
    assert np.allclose(encoder.encode_images(images), model.embed_images(levels(3)), atol=1e-5)
    if not encoder.spec.joint:
        with pytest.raises(SpecMismatch, match="not whole products"):
            as_joint_encoder(encoder)
        return
    products = as_joint_encoder(encoder).encode_products(["red shirt", "", ""], [images[:2], images[2:], []])
    expected = model.embed_products(["red shirt", ""], levels(3), torch.tensor([0, 0, 1]))
    assert np.allclose(products[:2], expected, atol=1e-5)
    assert not products[2].any(), "a product of nothing has no direction"


@torch.no_grad()
def test_queries_may_be_projected_instead_of_fused():
    config = replace(tiny_config("bert-resnet-concat"), queries="projected")
    model = new_model(config, TEXTS).eval()
    assert model.embed_texts(["shirt"]).min() < 0, "a fusion with ReLU would leave nothing below 0"
    assert model.embed_products(["shirt"], *NONE).min() >= 0


def test_a_cut_joint_model_is_joint(tmp_path: Path):
    tiny_model("vit-text-gated").save(tmp_path / "gated")
    cut = load_encoder(f"{tmp_path / 'gated'}#8", "cpu")
    assert cut.spec.joint and cut.spec.key.endswith("#8+joint")
    assert as_joint_encoder(cut).encode_products(["shirt"], [pictures(1)]).shape == (1, 8)


def test_towers_take_the_weights_of_checkpoints(checkpoints_root: Path, tmp_path: Path):
    from transformers import AutoModel, BertModel, BertTokenizer, ResNetConfig, ResNetModel, ViTImageProcessor

    donor = AutoModel.from_pretrained(checkpoints_root / "bert-vit")
    text, image = tmp_path / "text", tmp_path / "image"
    assert isinstance(donor.text_model, BertModel)
    donor.text_model.save_pretrained(text)
    BertTokenizer.from_pretrained(checkpoints_root / "bert-vit").save_pretrained(text)
    resnet = ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"))
    resnet.save_pretrained(image)
    ViTImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(image)
    model = new_model("bert-resnet-weighted", (), text_from=text, image_from=image).eval()
    own = donor.text_model.state_dict()["embeddings.word_embeddings.weight"]
    assert torch.equal(model.text_tower.state_dict()["model.embeddings.word_embeddings.weight"], own)
    assert (model.config.image.side, model.config.image.mean) == (SIDE, (0.5, 0.5, 0.5))
    model.save(tmp_path / "joined")
    with torch.no_grad():
        expected = model.embed_texts(["a red shirt"])
    assert np.allclose(load_encoder(str(tmp_path / "joined"), "cpu").encode_texts(["a red shirt"]), expected, atol=1e-5)


@torch.no_grad()
def test_what_is_alike_to_a_checkpoint_is_as_alike_to_the_joined_model(checkpoints_root: Path, tmp_path: Path):
    from transformers import AutoModel, BertTokenizer

    donor = AutoModel.from_pretrained(checkpoints_root / "bert-vit").text_model
    donor.save_pretrained(tmp_path)
    BertTokenizer.from_pretrained(checkpoints_root / "bert-vit").save_pretrained(tmp_path)
    shape = replace(tiny_config("towers-bert-convnext"), dim=donor.config.hidden_size)
    model = new_model(shape, (), text_from=tmp_path).eval()
    tokens = model.tokenizer(TEXTS, padding=True, return_tensors="pt")
    own, _ = model.text_tower(tokens["input_ids"], tokens["attention_mask"])
    own = torch.nn.functional.normalize(own, dim=-1)
    joined = model.embed_texts(TEXTS)
    assert torch.allclose(joined @ joined.T, own @ own.T, atol=1e-4)


def test_a_checkpoint_of_another_kind_is_no_tower(checkpoints_root: Path):
    with pytest.raises(ModelUnavailable):
        new_model("bert-resnet-mean", (), image_from=checkpoints_root / "clip")


def test_an_image_tower_of_torchvision():
    config = tiny_config("bert-resnet-mean")
    config = replace(config, image=replace(config.image, kind="torchvision", name="squeezenet1_1", side=64))
    model = new_model(config, TEXTS).eval()
    with torch.no_grad():
        assert model.embed_images(torch.rand(2, 3, 64, 64)).shape == (2, model.dim)
    with pytest.raises(ModelUnavailable, match="no model 'resnet17'"):
        new_model(replace(config, image=replace(config.image, name="resnet17")), TEXTS)


def test_an_unknown_architecture_is_refused_by_name():
    with pytest.raises(ModelUnavailable, match=r"no architecture 'bert-bert'.*cnn-lstm"):
        new_model("bert-bert", TEXTS)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda directory: (directory / "model.safetensors").unlink(), "cannot be loaded"),
        (lambda directory: (directory / "tokenizer.json").unlink(), "cannot be loaded"),
        (lambda directory: _edit(directory, dim=17), "cannot be loaded"),
        (lambda directory: _edit(directory, fusion="magic"), "no configuration.*fusion"),
        (lambda directory: _edit(directory, image_share=1.5), "image_share"),
    ],
    ids=["no weights", "no tokenizer", "other dimensions", "unknown fusion", "share out of range"],
)
def test_a_directory_that_does_not_fit_is_refused(tmp_path: Path, change, complaint: str):
    tiny_model("bert-resnet-weighted").save(tmp_path / "model")
    change(tmp_path / "model")
    with pytest.raises(ModelUnavailable, match=complaint):
        load_encoder(str(tmp_path / "model"), "cpu")


def test_the_share_of_a_weighted_fusion_is_fixed_or_learned():
    fixed, learned = (new_model(tiny_config(f"bert-resnet-{one}"), TEXTS) for one in ("weighted", "learned"))
    assert [one.fusion.logit.requires_grad for one in (fixed, learned)] == [False, True]


def _edit(directory: Path, **values: object) -> None:
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_defaults_are_separate_towers():
    assert not FusionConfig().joint
