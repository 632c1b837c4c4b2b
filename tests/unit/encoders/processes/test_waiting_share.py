"""There are as many decoders as pictures need."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.processes import image_decoding, waiting_share
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool
from encoders.processes.waiting_share import SHRINK_WINDOWS, WaitingShare
from tests.unit.encoders.pictures import SMALL, jpeg


@pytest.mark.parametrize(("waited", "step"), [(0.8, 1), (0.7, 0), (0.05, 0)])
def test_one_more_where_pictures_wait_for_most_of_the_time(waited: float, step: int) -> None:
    share = WaitingShare(100.0)
    share.note(100.1, is_waiting=True)
    share.note(100.1 + waited, is_waiting=False)
    assert share.step(101.0) == step
    assert share.step(102.0) == 0, "each window counts for itself"


def test_one_less_only_after_a_long_time_of_quiet() -> None:
    share = WaitingShare(0.0)
    steps = [share.step(float(second)) for second in range(1, 2 * SHRINK_WINDOWS + 1)]
    assert [at + 1 for at, step in enumerate(steps) if step] == [SHRINK_WINDOWS, 2 * SHRINK_WINDOWS]


@given(st.lists(st.tuples(st.floats(0.01, 5), st.booleans()), max_size=50))
def test_how_often_it_is_noted_makes_no_difference(moments: list[tuple[float, bool]]) -> None:
    once, often, now = WaitingShare(0.0), WaitingShare(0.0), 0.0
    for after_s, is_waiting in moments:
        often.note(now + after_s / 2, once._is_waiting)
        now += after_s
        once.note(now, is_waiting)
        often.note(now, is_waiting)
    assert once.step(now + 0.5) == often.step(now + 0.5)


async def test_decoders_come_when_pictures_wait_and_go_when_they_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_decoding, "WINDOW_S", 0.01)
    monkeypatch.setattr(waiting_share, "SHRINK_WINDOWS", 5)
    monkeypatch.setattr(image_decoding, "usable_cores", lambda: 2)
    files = [jpeg(width=400, height=400)] * 100
    async with ImageDecoderPool(SMALL, DecodingConfig(processes=8, deadline_s=30)) as pool, asyncio.timeout(60):
        [first] = pool.pids
        while len(pool.pids) < 2:
            assert len(await pool.decode(files)) == len(files)
        assert first in pool.pids
        while len(pool.pids) > 1:
            await asyncio.wait([asyncio.ensure_future(pool.decode(files[:1]))])
        assert len(await pool.decode(files)) == len(files)
