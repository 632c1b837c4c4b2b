"""Pictures in passes that run side by side: each picture's own embedding, in its own place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from encoders.backends.image_passes import MAX_PASS_PIXELS, SMALL_PIXELS, ImagePasses, streams_of
from encoders.backends.openvino import is_installed
from encoders.spec import normalise_rows

pytestmark = pytest.mark.skipif(not is_installed(), reason="the package openvino is not installed")
SMALL, MIDDLING, LARGE = 8, 112, 700
"""Sides in pixels: of pictures whose passes are filled up, are not, and have one picture each."""


def _tower(streams: int) -> Any:
    """Says the mean of each channel."""
    import openvino
    from openvino import opset13 as ops

    levels: Any = ops.parameter([-1, -1, -1, 3], np.uint8)
    levels.output(0).set_names({"levels"})
    means = ops.reduce_mean(ops.convert(levels, "f32"), np.array([1, 2]))
    model: Any = openvino.Model
    hints = {"INFERENCE_NUM_THREADS": streams, "NUM_STREAMS": streams}
    return openvino.Core().compile_model(model([means], [levels]), "CPU", hints)


@pytest.mark.parametrize("streams", [1, 2])
def test_each_picture_has_the_embedding_that_it_has_alone(streams: int) -> None:
    assert SMALL**2 <= SMALL_PIXELS < MIDDLING**2 and MAX_PASS_PIXELS < LARGE**2
    passes, chance = ImagePasses(_tower(streams), streams, 3), np.random.default_rng(0)
    for side, counts in ((SMALL, (0, 1, 3, 67)), (MIDDLING, (2, 7, 33)), (LARGE, (3,))):
        for count in counts:
            pictures = chance.integers(0, 256, (count, side, side, 3), np.uint8)
            expected = normalise_rows(pictures.reshape(count, side * side, 3).mean(axis=1, dtype=np.float32))
            np.testing.assert_allclose(passes.encode([*pictures]), expected, atol=1e-5)


def test_views_have_streams_of_their_own_where_there_are_threads() -> None:
    assert [streams_of(*case) for case in ((2, 1), (2, 2), (2, 16), (1, 16))] == [1, 2, 2, 1]
