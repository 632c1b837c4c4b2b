"""The palette that pictures are told apart by."""

from __future__ import annotations

import torch
from torch import Tensor

from encoders.huggingface.palette import Palette
from vitrine.samples.standard.palette import palette

SIDE = 32
RED, DARK_RED, GREEN, WHITE = (200, 30, 30), (150, 25, 25), (30, 160, 40), (255, 255, 255)


def colours(*columns: tuple[int, int, int]) -> Tensor:
    """The colours of a picture of upright stripes of equal width."""
    tensors = palette()
    model = Palette(len(tensors["palette.emphasis"]))
    model.load_state_dict({name.removeprefix("palette."): rows for name, rows in tensors.items()})
    levels = torch.tensor(columns).repeat_interleave(SIDE // len(columns), dim=0).expand(SIDE, -1, -1)
    return model((levels.permute(2, 0, 1)[None] - 127.0) / 128.0)[0]


def test_what_is_red_is_nearer_to_a_darker_red_than_to_green() -> None:
    red = colours(RED)
    assert red @ colours(DARK_RED) > 0.3 > red @ colours(GREEN)


def test_a_white_margin_counts_for_nothing() -> None:
    assert colours(WHITE, RED, RED, WHITE) @ colours(RED) > 0.99


def test_a_picture_of_white_alone_has_a_direction() -> None:
    assert torch.isclose(colours(WHITE).norm(), torch.tensor(1.0))
