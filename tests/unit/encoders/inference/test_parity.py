"""Probes, and how far two ways to compute agree over them."""

from __future__ import annotations

import numpy as np

from encoders.inference.parity import PROBE_COUNT, min_cosine, probe_pictures, probe_texts
from encoders.media.preparation import FixedSizePreparer


def test_the_worst_row_of_either_kind_counts() -> None:
    same, turned = np.array([[1, 0]], np.float32), np.array([[0.6, 0.8]], np.float32)
    assert min_cosine((same, same), (same, same)) == 1.0
    assert np.isclose(min_cosine((same, same), (same, turned)), 0.6)


def test_what_is_no_number_agrees_with_nothing() -> None:
    assert min_cosine((np.eye(2, dtype=np.float32),), (np.full((2, 2), np.nan, np.float32),)) == -1.0


def test_probes_are_the_same_each_time_and_all_different() -> None:
    texts = probe_texts(lambda ids: " ".join(map(str, ids)), 100, 16)
    assert texts == probe_texts(lambda ids: " ".join(map(str, ids)), 100, 16)
    assert len(set(texts)) == PROBE_COUNT and max(len(text.split()) for text in texts) > 16
    pictures = probe_pictures(FixedSizePreparer((8, 8)))
    assert len({picture.tobytes() for picture in pictures}) == PROBE_COUNT
