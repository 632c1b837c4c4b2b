"""Whatever the bytes do to a decoder, each picture gets its own pixels or its own reason."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from encoders.errors import InvalidImage, WorkerProcessUnavailable
from encoders.media.preparation import FixedSizePreparer, Pixels
from encoders.port import ImageDecoder
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool, InProcessImageDecoder
from tests.paths import SHARED_DATA
from tests.unit.encoders.pictures import (
    ABORT,
    CHATTER,
    DIE,
    FLAT,
    SLEEP,
    SMALL,
    SWELL,
    Hostile,
    colour_of,
    jpeg,
)

DATA = SHARED_DATA
HOSTILE = DATA / "hostile"
ONE = DecodingConfig(processes=1, deadline_s=30)
HASTY = DecodingConfig(processes=1, deadline_s=1)


@asynccontextmanager
async def _in_process() -> AsyncIterator[ImageDecoder]:
    yield InProcessImageDecoder(SMALL)


@pytest.fixture(params=["pool", "in-process"])
async def decoder(request: pytest.FixtureRequest) -> AsyncIterator[ImageDecoder]:
    async with ImageDecoderPool(SMALL) if request.param == "pool" else _in_process() as decoder:
        yield decoder


async def test_each_picture_comes_back_in_its_place(decoder: ImageDecoder) -> None:
    files = [jpeg(colour_of(number)) for number in range(70)]
    _assert_colours(await decoder.decode(files), range(70))


async def test_a_broken_file_spoils_only_itself(decoder: ImageDecoder) -> None:
    outcomes = await decoder.decode([jpeg(colour_of(1)), b"no picture", b"", jpeg(colour_of(2))])
    _assert_colours([outcomes[0], outcomes[3]], [1, 2])
    assert "no image of a known format" in str(outcomes[1])
    assert "0 bytes" in str(outcomes[2])


async def test_no_pictures_are_no_work(decoder: ImageDecoder) -> None:
    assert await decoder.decode([]) == []


async def test_callers_at_once_get_their_own(decoder: ImageDecoder) -> None:
    spans = [range(start, start + 25) for start in range(0, 250, 25)]
    answers = await asyncio.gather(*(decoder.decode([jpeg(colour_of(n)) for n in span]) for span in spans))
    for answer, span in zip(answers, spans, strict=True):
        _assert_colours(answer, span)


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="no hostile/ data")
async def test_hostile_files_end_no_process_and_fare_as_in_process() -> None:
    lines = (HOSTILE / "manifest.jsonl").read_text("utf-8").splitlines()
    files = [(DATA / json.loads(line)["file"]).read_bytes() for line in lines]
    async with ImageDecoderPool(SMALL, ONE) as pool:
        pids = pool.pids
        outcomes = await pool.decode(files)
        assert pool.pids == pids
    for ours, plain in zip(outcomes, await InProcessImageDecoder(SMALL).decode(files), strict=True):
        assert str(ours) == str(plain)


@pytest.mark.parametrize(
    ("width", "reason"),
    [(ABORT, "killed by SIGABRT"), (DIE, "killed by SIGKILL"), (FLAT, "answered nonsense"), (CHATTER, "nonsense")],
)
async def test_only_the_picture_that_ends_the_decoder_is_refused(width: int, reason: str) -> None:
    files = [jpeg(colour_of(number)) for number in range(6)]
    async with ImageDecoderPool(Hostile(), ONE) as pool:
        *before, culprit, last = await pool.decode([*files[:5], jpeg(width=width), files[5]])
        assert isinstance(culprit, InvalidImage)
        assert reason in str(culprit)
        _assert_colours([*before, last], range(6))
        _assert_colours(await pool.decode(files), range(6))


async def test_a_picture_that_takes_for_ever_is_refused() -> None:
    async with ImageDecoderPool(Hostile(), HASTY) as pool:
        good, late = await pool.decode([jpeg(colour_of(3)), jpeg(width=SLEEP)])
        _assert_colours([good], [3])
        assert "did not answer within 1 s" in str(late)


async def test_memory_is_bounded_and_running_out_of_it_ends_no_process() -> None:
    async with ImageDecoderPool(Hostile(), ONE) as pool:
        pids = pool.pids
        swollen, good = await pool.decode([jpeg(width=SWELL), jpeg(colour_of(4))])
        assert "ran out of memory" in str(swollen)
        _assert_colours([good], [4])
        assert pool.pids == pids


async def test_one_line_of_pixels_scaled_up_is_a_bomb_that_is_refused() -> None:
    line = jpeg(width=1, height=30_000, kind="PNG")
    async with ImageDecoderPool(FixedSizePreparer(shortest_edge=224, crop=(224, 224)), ONE) as pool:
        (outcome,) = await pool.decode([line])
    assert "image of 1 × 30000 pixels cannot be prepared: scaled to 224 × 6720000" in str(outcome)


async def test_pictures_of_a_decoder_killed_by_chance_are_decoded_by_another() -> None:
    async with ImageDecoderPool(SMALL, ONE) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        decoding = asyncio.create_task(pool.decode([jpeg(colour_of(number)) for number in range(40)]))
        await _turns()
        os.kill(pid, signal.SIGKILL)
        _assert_colours(await decoding, range(40))
        assert pid not in pool.pids


async def test_a_decoder_that_dies_idle_is_replaced_unnoticed() -> None:
    async with ImageDecoderPool(SMALL, ONE) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGKILL)
        while pool.pids:
            await asyncio.sleep(0.01)
        _assert_colours(await pool.decode([jpeg(colour_of(9))]), [9])
        assert len(pool.pids) == 1


async def test_decoders_give_way_to_other_processes_as_told() -> None:
    async with ImageDecoderPool(SMALL, ONE, niceness=5) as pool:
        await pool.decode([jpeg(colour_of(1))])
        threads = psutil.Process(pool.pids[0]).threads()
        expected = min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
        assert {os.getpriority(os.PRIO_PROCESS, thread.id) for thread in threads} == {expected}


async def test_who_gives_up_leaves_no_answer_behind_for_others() -> None:
    async with ImageDecoderPool(SMALL, ONE) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        abandoned = [asyncio.create_task(pool.decode([jpeg(colour_of(n)) for n in range(100)])) for _ in range(3)]
        await _turns()
        for task in abandoned:
            task.cancel()
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in await _outcomes(abandoned))
        os.kill(pid, signal.SIGCONT)
        _assert_colours(await pool.decode([jpeg(colour_of(200))]), [200])
        assert pool.pids == [pid]


async def test_a_small_call_does_not_wait_for_a_large_one_to_end() -> None:
    async with ImageDecoderPool(SMALL, ONE) as pool:
        large = asyncio.create_task(pool.decode([jpeg(colour_of(number)) for number in range(800)]))
        await _turns()
        _assert_colours(await pool.decode([jpeg(colour_of(5))]), [5])
        assert not large.done()
        _assert_colours(await large, range(800))


async def test_closing_fails_the_calls_under_way_and_refuses_no_picture() -> None:
    async with ImageDecoderPool(Hostile(), ONE) as pool:
        pids = pool.pids
        under_way = [asyncio.create_task(pool.decode([jpeg(width=SLEEP)])) for _ in range(5)]
        await _turns()
    assert all(isinstance(outcome, WorkerProcessUnavailable) for outcome in await _outcomes(under_way))
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with pytest.raises(WorkerProcessUnavailable, match="closed"):
        await pool.decode([jpeg()])


async def test_a_preparer_that_cannot_be_loaded_is_no_fault_of_pictures(tmp_path: Path) -> None:
    with pytest.raises(
        WorkerProcessUnavailable, match=r"image decoder \(process \d+\) exited with 1 before it was ready"
    ):
        async with ImageDecoderPool(_Unloadable(), ONE):
            pass


@pytest.mark.parametrize("bad", [{"processes": 0}, {"deadline_s": 0}, {"memory_bytes": 1000}])
def test_impossible_settings_are_named(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=rf"decoding\.{next(iter(bad))} must be"):
        DecodingConfig(**bad)


class _Unloadable:
    def __call__(self, image: object) -> Pixels:
        raise NotImplementedError

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("not a number",)


async def _turns() -> None:
    """Let what is ready go on, for as many turns of the event loop as sending takes."""
    for _ in range(20):
        await asyncio.sleep(0)


async def _outcomes(tasks: Sequence[asyncio.Task[object]]) -> list[object]:
    return list(await asyncio.gather(*tasks, return_exceptions=True))


def _assert_colours(outcomes: Sequence[Pixels | InvalidImage], numbers: Sequence[int]) -> None:
    assert len(outcomes) == len(numbers)
    for outcome, number in zip(outcomes, numbers, strict=True):
        assert isinstance(outcome, np.ndarray), outcome
        assert outcome.shape == (4, 4, 3) and outcome.dtype == np.uint8
        assert np.abs(outcome.astype(int) - colour_of(number)).max() < 8
