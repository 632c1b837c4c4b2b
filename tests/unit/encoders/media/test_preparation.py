"""Preparing pictures needs no torch, travels between processes, and agrees with the checkpoints' own rules."""

from __future__ import annotations

import pickle
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transformers.models.siglip2.image_processing_siglip2 import get_image_size_for_max_num_patches

from encoders.errors import ModelUnavailable
from encoders.media.preparation import FixedSizePreparer, PatchPreparer, Preparer
from encoders.media.processor_settings import fixed_size

PREPARERS: list[Preparer] = [
    FixedSizePreparer(size=(32, 24)),
    FixedSizePreparer(shortest_edge=36, crop=(32, 32), resample=Image.Resampling.BILINEAR),
    PatchPreparer(patch=8, max_patches=16),
    FixedSizePreparer(size=(32, 24), margin=(255, 255, 255)),
    FixedSizePreparer(size=(32, 24), query_views=(1.0, 0.5)),
]


@given(
    height=st.integers(1, 3000),
    width=st.integers(1, 3000),
    patch=st.sampled_from([8, 14, 16]),
    most=st.integers(1, 1024),
)
def test_patches_are_counted_as_the_checkpoints_count_them(height: int, width: int, patch: int, most: int) -> None:
    rows, columns = PatchPreparer(patch, most).grid(height, width)
    assert (rows * patch, columns * patch) == get_image_size_for_max_num_patches(height, width, patch, most)


@pytest.mark.parametrize("preparer", PREPARERS)
def test_a_preparer_is_a_value_that_travels(preparer: Preparer) -> None:
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(preparer), type=Preparer)
    assert sent == preparer == pickle.loads(pickle.dumps(preparer))
    assert hash(sent) == hash(preparer)


@pytest.mark.parametrize(("size", "shape"), [((90, 60), (32, 24, 3)), ((3, 500), (32, 24, 3))])
def test_a_fixed_size_is_height_and_width(size: tuple[int, int], shape: tuple[int, ...]) -> None:
    assert PREPARERS[0](Image.new("RGB", size)).shape == shape


@given(width=st.integers(1, 400), height=st.integers(1, 400))
def test_a_margin_keeps_the_proportions_and_the_whole_picture(width: int, height: int) -> None:
    preparer = FixedSizePreparer(size=(32, 24), margin=(255, 255, 255))
    pixels = preparer(Image.new("RGB", (width, height), "red"))
    red = (pixels == (255, 0, 0)).all(axis=-1)
    rows, columns = red.any(axis=1).sum(), red.any(axis=0).sum()
    assert pixels.shape == (32, 24, 3) and red.sum() == rows * columns
    assert rows == 32 or columns == 24
    scale = min(32 / height, 24 / width)
    assert abs(rows - max(1, height * scale)) <= 0.5 and abs(columns - max(1, width * scale)) <= 0.5


def test_views_are_the_picture_and_its_middle_at_the_same_size() -> None:
    picture = Image.new("RGB", (32, 32), "red")
    picture.paste("blue", (8, 8, 24, 24))
    preparer = FixedSizePreparer(size=(32, 32), query_views=(1.0, 0.5))
    whole, middle = preparer.views(preparer(picture))
    assert whole.shape == middle.shape == (32, 32, 3)
    assert (whole[0, 0] == (255, 0, 0)).all()
    assert (middle == (0, 0, 255)).all()


@pytest.mark.parametrize("views", [[1.0, 0.0], [1.5], [float("nan")], 0.5, ["half"]])
def test_views_that_there_cannot_be_are_refused_when_the_encoder_is_loaded(views: Any) -> None:
    processor = SimpleNamespace(do_resize=True, size={"height": 8, "width": 8}, query_views=views)
    with pytest.raises(ModelUnavailable, match="query_views must be a list of numbers"):
        fixed_size(processor)


@pytest.mark.parametrize(
    "module", ["encoders.processes.image_decoding", "encoders.processes.encoder", "encoders.workers.images"]
)
def test_event_loops_and_decoders_import_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit(bool({{'torch', 'transformers'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
