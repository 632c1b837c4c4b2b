"""Products' clips and sounds: each file once, and none that fails holds its product back."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np
import pytest

from encoders.errors import WorkerProcessUnavailable
from encoders.processes.media_decoding import InProcessMediaDecoder
from encoders.spec import split_parts
from encoders.speech.port import ScriptedRecogniser, Transcript
from indexer.redis.bounded_map import InMemoryBoundedMap
from streams.delivery.messages import Message
from streams.delivery.retry_headers import ATTEMPT_HEADER
from streams.media.fetching import FetchLimits, MediaFetcher
from streams.media.pictures import PictureLoader
from streams.media.transcription import AudioTranscriber, TranscriptionLimits
from tests.unit.sounds import clip, tone
from tests.unit.streams.pipeline import Bench, picture

RED, BLUE = clip(["red"]), clip(["blue"])


class SlowRecogniser(ScriptedRecogniser):
    """Hears nothing until it is let go on."""

    def __init__(self, *transcripts: Transcript) -> None:
        super().__init__(*transcripts)
        self.go_on = asyncio.Event()

    async def transcribe(self, samples: Any) -> Transcript:
        await self.go_on.wait()
        return await super().transcribe(samples)


class Shop:
    """A pipeline that looks at clips and listens to sounds."""

    def __init__(
        self, *transcripts: str, recogniser: ScriptedRecogniser | None = None, batch_wait_s: float = 60.0
    ) -> None:
        self.bench = Bench()
        self.recogniser = recogniser or ScriptedRecogniser(*(Transcript(transcript) for transcript in transcripts))
        media, fetcher = self.bench.incoming, MediaFetcher(FetchLimits(attempts=1))
        decoder = InProcessMediaDecoder(self.bench.encoder.preparer)
        self.transcriber = AudioTranscriber(
            media, fetcher, decoder, self.recogniser, InMemoryBoundedMap(), TranscriptionLimits(5.0, batch_wait_s)
        )
        self.bench.use(
            pictures=PictureLoader(media, fetcher, self.bench.decoder, self.bench.cache, decoder),
            transcriber=self.transcriber,
        )

    def message(self, product_id: str, type: str = "product.created", **fields: Any) -> Message:
        inlined = {
            name: [{"data": base64.b64encode(file).decode()} for file in value]
            if value and name in ("videos", "audios")
            else value
            for name, value in fields.items()
        }
        return self.bench.kafka.message({"product_id": product_id, **inlined}, type)

    async def image(self, product_id: str) -> np.ndarray:
        return split_parts(self.bench.encoder.spec, (await self.bench.store.read([product_id]))[product_id][1])[1]

    async def stored(self, product_id: str):
        return (await self.bench.store.read([product_id]))[product_id][0]


async def test_a_clip_makes_the_image_part_of_a_product_without_pictures() -> None:
    shop = Shop()
    await shop.bench.index(shop.message("red", videos=[RED]), shop.message("blue", videos=[BLUE]))
    red, blue = await shop.image("red"), await shop.image("blue")
    assert np.linalg.norm(red) == pytest.approx(1, abs=1e-4) and not np.allclose(red, blue)
    assert [change["searchable"] for change in shop.bench.kafka.changes] == [True, True]


async def test_a_clip_counts_less_than_the_main_picture() -> None:
    shop = Shop()
    shown = [{"data": picture("green")}]
    await shop.bench.index(shop.message("a", images=shown, videos=[RED]), shop.message("b", images=shown))
    await shop.bench.index(shop.message("c", videos=[RED]))
    both, photo, alone = await shop.image("a"), await shop.image("b"), await shop.image("c")
    assert 1 > both @ photo > both @ alone


async def test_a_clip_is_decoded_and_encoded_once() -> None:
    shop = Shop()
    await shop.bench.index(shop.message("a", videos=[RED]))
    encoded = shop.bench.encoder.images
    await shop.bench.index(shop.message("a", "product.updated", price=5.0), shop.message("b", videos=[RED]))
    assert shop.bench.encoder.images == encoded
    assert np.allclose(await shop.image("a"), await shop.image("b"))


async def test_a_broken_clip_is_a_dead_letter_and_its_product_searchable() -> None:
    shop = Shop()
    await shop.bench.index(shop.message("a", title="kettle", videos=[b"no clip"]))
    assert [reason for reason, _ in shop.bench.kafka.dead_letters] == ["invalid_video"]
    assert await shop.bench.titles("kettle") == ["a"]


async def test_what_a_sound_says_is_searched_in() -> None:
    shop = Shop("whistling teapot")
    await shop.bench.index(shop.message("a", title="kettle", audios=[tone()]), shop.message("b", title="kettle"))
    assert await shop.bench.titles("teapot") == ["a"]
    assert not (await shop.stored("a")).incomplete


async def test_a_sound_is_listened_to_once_and_kept_through_other_changes() -> None:
    shop = Shop("whistling teapot")
    await shop.bench.index(shop.message("a", title="kettle", audios=[tone()]))
    await shop.bench.index(shop.message("a", "product.updated", title="jug"), shop.message("b", audios=[tone()]))
    assert len(shop.recogniser.received_samples) == 1
    assert sorted(await shop.bench.titles("teapot")) == ["a", "b"]


async def test_a_sound_that_is_taken_away_is_searched_in_no_more() -> None:
    shop = Shop("whistling teapot")
    await shop.bench.index(shop.message("a", title="kettle", audios=[tone()]))
    await shop.bench.index(shop.message("a", "product.updated", audios=None))
    assert await shop.bench.titles("teapot") == [] and await shop.bench.titles("kettle") == ["a"]


async def test_a_product_does_not_wait_for_a_sound_that_takes_long() -> None:
    recogniser = SlowRecogniser(Transcript("whistling teapot"))
    # What is heard by then is to be found in time on a busy machine, too.
    shop = Shop(recogniser=recogniser, batch_wait_s=1.0)
    message = shop.message("a", title="kettle", audios=[tone()])
    await shop.bench.index(message)
    assert await shop.bench.titles("kettle") == ["a"] and (await shop.stored("a")).incomplete
    (again,) = [message for message in shop.bench.kafka.published if message.topic.startswith("vitrine.retry")]
    recogniser.go_on.set()
    await shop.transcriber.wait_until_idle()
    retried = shop.bench.kafka.raw(again.value)
    await shop.bench.index(Message(**{**_fields(retried), "headers": again.headers | {ATTEMPT_HEADER: b"1"}}))
    assert await shop.bench.titles("teapot") == ["a"] and len(recogniser.received_samples) == 1
    assert not (await shop.stored("a")).incomplete


async def test_a_recogniser_that_is_away_leaves_the_product_searchable() -> None:
    class Away(ScriptedRecogniser):
        async def transcribe(self, samples: Any) -> Transcript:
            raise WorkerProcessUnavailable("no process")

    shop = Shop(recogniser=Away())
    await shop.bench.index(shop.message("a", title="kettle", audios=[tone()]))
    assert await shop.bench.titles("kettle") == ["a"] and (await shop.stored("a")).incomplete
    assert any(message.topic.startswith("vitrine.retry") for message in shop.bench.kafka.published)


async def test_a_broken_sound_is_a_dead_letter_and_its_product_complete() -> None:
    shop = Shop("never said")
    await shop.bench.index(shop.message("a", title="kettle", audios=[b"no sound"]))
    assert [reason for reason, _ in shop.bench.kafka.dead_letters] == ["invalid_audio"]
    assert not (await shop.stored("a")).incomplete and shop.recogniser.received_samples == []


async def test_a_sound_beyond_the_bound_is_refused() -> None:
    shop = Shop("never said")
    await shop.bench.index(shop.message("a", title="kettle", audios=[tone(6.0)]))
    ((reason, why),) = shop.bench.kafka.dead_letters
    assert reason == "invalid_audio" and "more than the 5 s allowed" in why


def _fields(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__dataclass_fields__}
