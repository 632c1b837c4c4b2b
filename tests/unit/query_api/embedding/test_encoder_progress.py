"""An encoder that hangs in its thread, which nobody can end, is seen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from encoders.liveness.config import LivenessConfig
from encoders.liveness.vitals import Vitals
from encoders.port import HashEncoder
from encoders.spec import FloatArray
from query_api.embedding.batcher import EncoderBatcher
from query_api.errors import EncoderBusy


class HangingEncoder(HashEncoder):
    """Encodes nothing until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        self.may_go_on.wait(30)
        return super().encode_texts(texts)


async def test_a_hung_encoder_is_a_reason_to_restart_until_it_goes_on() -> None:
    encoder, vitals = HangingEncoder(), Vitals(LivenessConfig())
    with ThreadPoolExecutor(1) as thread:
        pulse = vitals.pulse("encoder", 0.02)
        batcher = EncoderBatcher(encoder, thread, deadline_s=0.1, pulse=pulse)
        with pytest.raises(EncoderBusy):
            await batcher.encode("kettle")
        (complaint,) = vitals.not_alive()
        assert complaint.part == "encoder" and complaint.reason.endswith("1 inputs")
        encoder.may_go_on.set()
        await batcher.aclose()
        assert not vitals.not_alive()
        assert (await asyncio.wait_for(batcher.encode("kettle", deadline_s=10), 20)).shape == (encoder.spec.dim,)
