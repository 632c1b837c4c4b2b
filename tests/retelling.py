"""The same events told otherwise: what is recorded must not depend on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

Change = TypeVar("Change")


@st.composite
def retold(draw: st.DrawFn, given: Sequence[Change]) -> list[list[Change]]:
    """The events in any order, some of them repeated, split into batches anyhow."""
    repeats = draw(st.lists(st.sampled_from(given), max_size=10)) if given else []
    order = draw(st.permutations([*given, *repeats]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    return [list(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
