"""Vectors in half precision: what is lost, once."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.spec import EmbeddingSpec, FloatArray, fuse_parts, normalise_rows, split_parts
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.vector_types import FLOAT16, FLOAT32, to_float32, to_stored_type

SPEC = EmbeddingSpec("hash", "1", 64)


def kept(vector: FloatArray) -> FloatArray:
    return to_float32([to_stored_type(vector, FLOAT16).tobytes()], FLOAT16)


@pytest.fixture
def vectors() -> list[FloatArray]:
    parts = normalise_rows(np.random.default_rng(0).standard_normal((200, SPEC.dim)).astype(np.float32))
    return [fuse_parts(SPEC, text, image) for text, image in zip(parts[::2], parts[1::2], strict=True)]


def test_float32_is_kept_as_it_is(vectors: list[FloatArray]) -> None:
    assert to_stored_type(vectors[0], FLOAT32) is vectors[0]
    np.testing.assert_array_equal(to_float32(vectors[0].tolist(), FLOAT32), vectors[0])


def test_float16_keeps_three_digits(vectors: list[FloatArray]) -> None:
    for vector in vectors:
        assert kept(vector).dtype == np.float32
        np.testing.assert_allclose(kept(vector), vector, rtol=5e-4, atol=1e-7)


def test_a_vector_that_is_written_again_does_not_drift(vectors: list[FloatArray]) -> None:
    for vector in vectors:
        once = kept(vector)
        np.testing.assert_array_equal(kept(once), once)
        np.testing.assert_array_equal(kept(fuse_parts(SPEC, *split_parts(SPEC, once))), once)


def test_a_part_that_is_absent_stays_exactly_absent(vectors: list[FloatArray]) -> None:
    text, _ = split_parts(SPEC, vectors[0])
    assert not split_parts(SPEC, kept(fuse_parts(SPEC, text, None)))[1].any()


def test_an_unknown_type_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"milvus\.vector_type must be one of float32, float16, not int8"):
        MilvusConfig(vector_type="int8")
