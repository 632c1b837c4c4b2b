"""A pass in steps gives what the encoder gives at once, whether or not its device can be prepared beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from encoders.inference.forward_pass import StagingEncoder, stage
from encoders.inference.synthetic import SyntheticEncoder
from encoders.loading import load_encoder
from encoders.port import Encoder, HashEncoder, JointHashEncoder

TEXTS = ["a red shirt", "", "green apple"]
ENCODERS: dict[str, Callable[[Path], Encoder]] = {
    "hash": lambda _: HashEncoder(),
    "synthetic": lambda _: SyntheticEncoder(),
    "torch": lambda root: load_encoder(str(root / "clip"), "cpu"),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_passes_give_the_encoders_own_rows(name: str, checkpoints_root: Path) -> None:
    encoder = ENCODERS[name](checkpoints_root)
    pictures = [np.full((32, 32, 3), level, np.uint8) for level in (0, 90, 255)]
    first, second = stage(encoder, "texts", TEXTS), stage(encoder, "images", pictures)
    for forward in (first, second):
        forward.launch()
    np.testing.assert_allclose(second.rows(), encoder.encode_images(pictures), atol=1e-5)
    np.testing.assert_allclose(first.rows(), encoder.encode_texts(TEXTS), atol=1e-5)
    assert isinstance(encoder, StagingEncoder) == (name != "hash")


def test_whole_products_are_a_pass_of_their_own() -> None:
    encoder, picture = JointHashEncoder(), np.zeros((4, 4, 3), np.uint8)
    one = stage(encoder, "products", [("a", [picture]), ("", [])])
    one.launch()
    np.testing.assert_array_equal(one.rows(), encoder.encode_products(["a", ""], [[picture], []]))
