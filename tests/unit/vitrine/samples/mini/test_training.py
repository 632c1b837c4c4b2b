"""The training of `mini`, small: its material, its losses, and a run from nothing to a model that loads."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from encoders.architectures.tokenizer import train_tokenizer
from encoders.loading import load_encoder
from encoders.training.data.augmentation import jitter_light, random_crop, random_occlusion
from encoders.training.objectives.losses import info_nce
from tests.paths import SHARED_DATA
from vitrine.samples.mini.architecture import MiniArchitecture, build_model, centre_pictures
from vitrine.samples.mini.config import MiniConfig, TrainingPhase
from vitrine.samples.mini.data import real_shops
from vitrine.samples.mini.data.corpus import CorpusConfig
from vitrine.samples.mini.data.synthetic_scenes import cut_out, draw_packshot, draw_pile
from vitrine.samples.mini.data.synthetic_sprites import draw_random_sprite
from vitrine.samples.mini.training import train_mini

DATA = SHARED_DATA


@pytest.fixture
def tiny(tmp_path: Path) -> MiniConfig:
    architecture = MiniArchitecture(
        dim=16,
        picture_side=32,
        picture_widths=(8, 16),
        picture_depths=(1, 1),
        text_width=16,
        text_layers=1,
        text_heads=2,
        pieces=300,
        max_tokens=24,
    )
    return MiniConfig(
        output=tmp_path / "model",
        work=tmp_path / "work",
        architecture=architecture,
        corpus=CorpusConfig(real_data=None, side=40, rendered=8, invented=8, held_out=4),
        phases=(TrainingPhase(1, 6, 4, 0, 0),),
        checkpoint_every=1,
    )


def test_a_run_of_one_step_gives_a_model_that_loads_with_its_card_and_record(tiny: MiniConfig) -> None:
    directory = train_mini(tiny)
    encoder = load_encoder(str(directory), "cpu")
    assert encoder.encode_texts(["红色衬衫", "red shirt"]).shape == (2, 16)
    assert encoder.encode_images([encoder.preparer(Image.new("RGB", (50, 70)))]).shape == (1, 16)
    record = json.loads((directory / "training.json").read_text("utf-8"))
    assert record["config"]["phases"][0]["steps"] == 1
    assert str(tiny.work) not in json.dumps(record)
    assert record["figures"]
    assert "## Limits" in (directory / "README.md").read_text("utf-8")


def test_a_broken_run_resumes_where_it_was_saved(tiny: MiniConfig, capsys: pytest.CaptureFixture[str]) -> None:
    train_mini(tiny)
    train_mini(dataclasses.replace(tiny, phases=(*tiny.phases, TrainingPhase(1, 6, 4, 2, 2, words=False))))
    assert "resumed at step 1" in capsys.readouterr().out


def test_after_centring_the_pictures_stay_and_the_texts_learn(tiny: MiniConfig) -> None:
    words = TrainingPhase(1, 6, 4, 0, 0, centred=True)
    before = _weights(train_mini(dataclasses.replace(tiny, phases=(*tiny.phases, dataclasses.replace(words, steps=1)))))
    after = _weights(train_mini(dataclasses.replace(tiny, phases=(*tiny.phases, dataclasses.replace(words, steps=3)))))
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert {"text_model", "text_projection"} <= changed
    assert not changed & {"vision_model", "visual_projection"}


def test_centring_takes_the_mean_out_of_pictures_and_keeps_the_shape_of_the_model(tiny: MiniConfig) -> None:
    torch.manual_seed(0)
    model = build_model(tiny.architecture)
    pictures = torch.rand(64, 3, 32, 32) + torch.rand(64, 3, 1, 1)
    names = set(model.state_dict())
    lengths = [centre_pictures(model, [pictures[:40], pictures[40:]]) for _ in range(2)]
    assert lengths[0] > 0.9
    assert lengths[1] < 0.3
    assert set(model.state_dict()) == names


def test_the_finished_model_has_plain_borders_cut_off(tiny: MiniConfig) -> None:
    encoder = load_encoder(str(train_mini(tiny)), "cpu")
    goods = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8))
    framed = Image.new("RGB", (120, 90), "white")
    framed.paste(goods, (30, 15))
    assert np.abs(encoder.preparer(framed).astype(int) - encoder.preparer(goods)).mean() < 12


def _weights(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "model.safetensors")


def test_the_loss_of_perfect_pairs_is_near_zero_and_that_of_equal_rows_is_chance() -> None:
    assert info_nce(torch.eye(8), torch.eye(8), 50.0).item() < 1e-3
    assert info_nce(torch.ones(8, 4), torch.ones(8, 4), 1.0).item() == pytest.approx(math.log(8))


def test_pairs_that_mean_the_same_are_no_negatives() -> None:
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    alike = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    assert info_nce(rows, rows, 50.0, alike).item() < 1e-3 < info_nce(rows, rows, 50.0).item()


def test_augmented_pictures_keep_their_range_and_the_seed_fixes_them() -> None:
    pictures = torch.rand(4, 3, 40, 40)

    def once() -> torch.Tensor:
        generator = torch.Generator().manual_seed(3)
        return random_occlusion(
            jitter_light(random_crop(pictures, 32, (0.5, 1.1), generator), 1.0, generator), 0.5, generator
        )

    first = once()
    assert first.shape == (4, 3, 32, 32)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert torch.equal(first, once())


def test_relighting_keeps_the_order_of_strong_hues() -> None:
    red = torch.zeros(32, 3, 8, 8)
    red[:, 0], red[:, 1:] = 0.9, 0.2
    lit = jitter_light(red, 1.0, torch.Generator().manual_seed(0)).mean(dim=(2, 3))
    assert bool((lit[:, 0] > lit[:, 1]).all() and (lit[:, 0] > lit[:, 2]).all())


def test_a_packshot_is_cut_out_of_its_white_ground_but_keeps_its_own_white() -> None:
    packshot = Image.new("RGB", (80, 60), "white")
    ImageDraw.Draw(packshot).ellipse((20, 10, 59, 49), fill="red")
    ImageDraw.Draw(packshot).ellipse((35, 25, 44, 34), fill="white")
    sprite = cut_out(packshot)
    assert abs(sprite.width - 40) <= 3
    assert sprite.getpixel((0, 0))[3] == 0
    assert sprite.getpixel((sprite.width // 2, sprite.height // 2)) == (255, 255, 255, 255)


def test_a_heap_is_mostly_the_thing_heaped() -> None:
    rng = np.random.default_rng(0)
    sprite = Image.new("RGBA", (40, 40), (220, 20, 20, 255))
    heap = np.asarray(draw_pile(sprite, Image.new("RGB", (64, 64), (0, 0, 90)), 64, rng), int)
    assert np.mean(heap[..., 0] > heap[..., 2]) > 0.5


def test_invented_things_are_drawn_within_their_side_and_follow_the_seed() -> None:
    first, again = (draw_random_sprite(np.random.default_rng(5), 48) for _ in range(2))
    assert max(first.size) <= 70
    assert first.tobytes() == again.tobytes()
    assert draw_packshot(first, 48, np.random.default_rng(0)).size == (48, 48)


def test_every_corpus_character_has_a_piece_and_texts_are_cut() -> None:
    tokenizer = train_tokenizer(["red cotton shirt 红色棉质衬衫"] * 4, 200, 8)
    assert tokenizer.unk_token_id not in tokenizer("棉质衬衫 cotton")["input_ids"]
    assert len(tokenizer("shirt " * 50, truncation=True)["input_ids"]) == 8


@pytest.mark.skipif(not DATA.is_dir(), reason="no real data beside the repository")
def test_groceries_are_never_read_for_training() -> None:
    assert {product["id"].split("-")[0] for product in real_shops.read_products(DATA)} == {"luma", "eshop"}
    assert all("grocery" not in path for path, _ in real_shops.clothing_photos(DATA))


def test_training_material_without_real_data_is_empty_not_an_error(tmp_path: Path) -> None:
    assert real_shops.read_products(tmp_path) == real_shops.clothing_photos(tmp_path) == []
    assert real_shops.load_backgrounds(tmp_path, 40) == []
