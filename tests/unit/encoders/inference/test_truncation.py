"""Embeddings cut to their first dimensions, wherever an encoder is loaded by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from encoders.errors import ModelUnavailable
from encoders.inference.truncation import split_name
from encoders.loading import load_encoder
from encoders.port import HashEncoder
from encoders.processes.encoder import EncoderProcess
from encoders.spec import normalise_rows

TEXTS = ["a red shirt", "", "green apple"]
PICTURES = [np.full((8, 8, 3), level, np.uint8) for level in (0, 90, 255)]


def test_rows_are_the_first_dimensions_made_unit_again() -> None:
    whole, cut = HashEncoder(), load_encoder("hash#16")
    np.testing.assert_array_equal(cut.encode_texts(TEXTS), normalise_rows(whole.encode_texts(TEXTS)[:, :16]))
    np.testing.assert_array_equal(cut.encode_images(PICTURES), normalise_rows(whole.encode_images(PICTURES)[:, :16]))
    np.testing.assert_allclose(np.linalg.norm(cut.encode_texts(TEXTS), axis=1), 1, atol=1e-6)
    assert cut.encode_texts([]).shape == (0, 16)


def test_its_space_is_one_of_its_own() -> None:
    whole = load_encoder("hash").spec
    for dim in (1, 16, 64):
        spec = load_encoder(f"hash#{dim}").spec
        assert (spec.model, spec.dim, spec.key) == ("hash", dim, f"{whole.key}#{dim}")


@pytest.mark.parametrize("asked", ["0", "65", "-3", "1.5", "many", "", "٣", "000"])
def test_dimensions_that_it_cannot_have_are_named(asked: str) -> None:
    with pytest.raises(ModelUnavailable, match=rf"hash#{asked}.*(from 1 on, not '{asked}'|1 to 64 dimensions)"):
        load_encoder(f"hash#{asked}")


async def test_a_process_of_its_own_gives_the_same_rows() -> None:
    plain = load_encoder("hash#16")
    async with EncoderProcess("hash#16") as encoder:
        texts, images = await encoder.encode(TEXTS, PICTURES)
        assert encoder.spec == plain.spec
    np.testing.assert_array_equal(texts, plain.encode_texts(TEXTS))
    np.testing.assert_array_equal(images, plain.encode_images(PICTURES))


async def test_a_process_refuses_as_loading_does() -> None:
    with pytest.raises(ModelUnavailable, match="hash#65"):
        async with EncoderProcess("hash#65"):
            pass


def test_a_directory_is_cut_and_may_have_the_mark_in_its_name(checkpoints_root: Path, tmp_path: Path) -> None:
    directory = tmp_path / "clip#7"
    shutil.copytree(checkpoints_root / "clip", directory)
    whole, cut = load_encoder(str(directory), "cpu"), load_encoder(f"{directory}#8", "cpu")
    assert (whole.spec.model, whole.spec.dim, cut.spec.model, cut.spec.dim) == ("clip#7", 24, "clip#7", 8)
    rows = normalise_rows(whole.encode_texts(TEXTS)[:, :8])
    np.testing.assert_allclose(cut.encode_texts(TEXTS), rows, atol=1e-6)


def test_a_name_without_the_mark_is_whole() -> None:
    assert split_name("owner/model") == ("owner/model", "")
    assert split_name("owner/model#64") == ("owner/model", "#64")
