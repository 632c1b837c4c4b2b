"""Inputs of like size together, in few shapes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from encoders.inference.buckets import (
    BatchLimit,
    compiled_count,
    compiled_length,
    compiled_shapes,
    filled_counts,
    length_buckets,
    padded_count,
    padded_length,
    unfilled_counts,
)

SIZES = st.lists(st.integers(1, 80), max_size=60)


@given(SIZES, st.integers(1, 20), st.integers(1, 500))
def test_each_input_is_in_one_batch_of_no_more_than_allowed(sizes: list[int], most: int, cells: int) -> None:
    found = list(length_buckets(sizes, BatchLimit(most, cells)))
    assert sorted(at for batch in found for at in batch) == list(range(len(sizes)))
    assert all(len(batch) <= most for batch in found)
    assert all(len(batch) == 1 or len(batch) * max(sizes[at] for at in batch) <= cells for batch in found)


def test_a_lowered_limit_counts_for_the_next_batch() -> None:
    limit = BatchLimit(4)
    batches = length_buckets([1] * 8, limit)
    assert len(next(batches)) == 4
    limit.max_cells = 2
    assert [len(batch) for batch in batches] == [2, 2]


@given(st.integers(1, 64), st.integers(1, 77))
def test_shapes_are_few_and_hold_what_is_to_be_padded(count: int, length: int) -> None:
    assert count <= padded_count(count, 64) in {1, 2, 4, 8, 16, 32, 64}
    assert length <= padded_length(length, 77) in {*range(8, 80, 8), 77}


@given(st.integers(0, 200), st.sampled_from((1, 6, 8, 32)))
def test_passes_take_all_rows_in_few_shapes(count: int, most: int) -> None:
    filled, unfilled = list(filled_counts(count, most)), list(unfilled_counts(count, most))
    assert sum(unfilled) == count <= sum(filled)
    assert len(filled) == -(-count // most)
    assert {*filled, *unfilled} <= {1, 2, 4, 8, 16, 32, most}


@given(st.integers(1, 64), st.integers(1, 77))
def test_a_compiler_sees_fewer_shapes_yet(count: int, length: int) -> None:
    assert count <= compiled_count(count, 64) in {1, 8, 64}
    assert length <= compiled_length(length, 77) in {8, 16, 32, 64, 77}
    assert compiled_shapes(64, 77) == 15
