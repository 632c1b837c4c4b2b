"""Pictures, sounds and clips through the processes that decode them: each is decoded or refused, and they go on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from encoders.errors import InvalidAudio, InvalidImage, InvalidVideo
from encoders.loading import load_encoder
from encoders.processes.image_decoding import ImageDecoderPool
from encoders.processes.media_decoding import MediaDecoderProcess
from tests.bench.report import Target, publish_report
from tests.fuzz import seeds
from tests.fuzz.budget import CLIPS, PICTURES, SEED, SOUNDS
from tests.fuzz.mutation import mutate_bytes

CHUNK = 32
MOST_S = 60.0
"""Of a chunk of files: several may have to be given up at their deadline."""
MOST_PEAK_MB = 700.0
"""Resident, of one process that decodes."""


@dataclass
class Outcomes:
    """What became of the files of a kind."""

    decoded: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)

    def note(self, outcome: object) -> None:
        """Count one outcome; another than a decoded file or a refusal fails."""
        if isinstance(outcome, InvalidImage | InvalidAudio | InvalidVideo):
            self.refused += 1
            assert len(str(outcome)) < 1_000
            if "the decoder" in str(outcome):
                reason = str(outcome).partition("the decoder")[2]
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
        else:
            assert isinstance(outcome, np.ndarray | list | tuple), type(outcome)
            self.decoded += 1


async def test_broken_pictures_are_decoded_or_refused() -> None:
    async with ImageDecoderPool(load_encoder("mini").preparer) as decoder:
        outcomes = await _fuzz(PICTURES, seeds.pictures(), decoder.decode, lambda: decoder.pids, "pictures")
    assert outcomes.decoded and outcomes.refused


async def test_broken_sounds_are_decoded_or_refused() -> None:
    async with MediaDecoderProcess(load_encoder("mini").preparer) as decoder:

        async def decode(files: Sequence[bytes]) -> list[object]:
            return [await decoder.sound(data, 30.0) for data in files]

        outcomes = await _fuzz(SOUNDS, seeds.sounds(), decode, lambda: decoder.pids, "sounds")
    assert outcomes.decoded and outcomes.refused


async def test_broken_clips_are_decoded_or_refused() -> None:
    async with MediaDecoderProcess(load_encoder("mini").preparer) as decoder:

        async def decode(files: Sequence[bytes]) -> list[object]:
            return [await decoder.frames(data) for data in files]

        outcomes = await _fuzz(CLIPS, seeds.clips(), decode, lambda: decoder.pids, "clips")
    assert outcomes.decoded and outcomes.refused


async def _fuzz(
    count: int,
    corpus: Sequence[bytes],
    decode: Callable[[Sequence[bytes]], Awaitable[Sequence[object]]],
    pids: Callable[[], list[int]],
    kind: str,
) -> Outcomes:
    rng, outcomes = random.Random(f"{SEED} {kind}"), Outcomes()
    for _ in range(-(-count // CHUNK)):
        files = [mutate_bytes(rng.choice(corpus), rng, corpus) for _ in range(CHUNK)]
        began = time.monotonic()
        decoded = await asyncio.wait_for(decode(files), MOST_S)
        outcomes.slowest_s = max(outcomes.slowest_s, time.monotonic() - began)
        assert len(decoded) == CHUNK
        for outcome in decoded:
            outcomes.note(outcome)
        outcomes.peak_mb = max([outcomes.peak_mb, *map(_peak_mb, pids())])
    rows = [(kind, outcomes.decoded, outcomes.refused, outcomes.slowest_s, outcomes.peak_mb)]
    columns = ["kind", "decoded", "refused", "slowest chunk, s", "peak of a process, MB"]
    peak = Target(f"{kind}: peak of a process, MB", outcomes.peak_mb, MOST_PEAK_MB, at_most=True)
    publish_report(f"fuzz-{kind}", columns, rows, [peak], ended_processes=outcomes.reasons)
    assert peak.met, str(peak)
    return outcomes


def _peak_mb(pid: int) -> float:
    """The most that a process ever had resident, MB; 0 where the system does not tell, or it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
