"""The catalogue's vocabulary, as products come, change and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from encoders.port import HashEncoder
from encoders.speech.port import ScriptedRecogniser, SpokenVocabulary
from indexer.errors import StoreUnavailable
from indexer.in_memory_store import InMemoryProductStore
from indexer.ports.changes import ChangeLog
from indexer.records import StoredProduct
from indexer.redis.change_log import InMemoryChangeLog
from query_api.understanding.background_refresh import CatalogueVocabulary, RecogniserUpdater, RefreshIntervals
from tests.shop import MakeShop, Shop

FREQUENT = RefreshIntervals(poll_s=0.005, retry_s=0.005, recogniser_s=0.005)


@asynccontextmanager
async def following(
    shop: Shop, intervals: RefreshIntervals = FREQUENT, change_log: ChangeLog | None = None
) -> AsyncIterator[CatalogueVocabulary]:
    """The shop's vocabulary, which follows it."""
    words = CatalogueVocabulary(shop.services.store, change_log or shop.services.change_log, intervals)
    task = asyncio.create_task(words.run())
    try:
        yield words
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def knows(words: CatalogueVocabulary, word: str) -> bool:
    return words.vocabulary is not None and words.vocabulary.has_word(word)


async def test_words_are_counted_over_all_pages_and_those_of_new_products_are_added(make_shop: MakeShop) -> None:
    shop = make_shop()
    for at in range(150):
        await shop.put(f"p{at:03}", title=f"hoodie number{'abc'[at % 3]}x")
    await shop.delete("p000")
    async with following(shop) as words:
        await until(lambda: words.vocabulary is not None)
        assert words.vocabulary is not None and words.vocabulary.count("hoodie") == 149
        await shop.put("new", title="zanzibar lantern")
        await until(lambda: knows(words, "zanzibar"))
        assert words.spoken_counts is not None and "lantern" in words.spoken_counts.spoken_words().words


async def test_a_product_that_changed_in_nothing_but_its_price_is_not_counted_again(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="kettle", price=20)
    await shop.put("b", title="teapot kettle", price=20)
    async with following(shop) as words:
        await until(lambda: words.vocabulary is not None)
        spoken = words.spoken_counts
        assert spoken is not None
        for price in range(3):
            await shop.put("a", title="kettle", price=price)
        await shop.put("b", title="teapot", price=20)
        await shop.put("c", title="lantern", price=20)
        await until(lambda: "lantern" in spoken.spoken_words().words)
        counts = dict(zip(spoken.spoken_words().words, spoken.spoken_words().counts, strict=True))
        assert counts == {"kettle": 2, "teapot": 2, "lantern": 1}


async def test_words_without_a_product_are_forgotten_at_the_next_count(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="kettle")
    await shop.put("b", title="teapot")
    async with following(shop, RefreshIntervals(poll_s=0.005, retry_s=0.005, recount_s=0.0)) as words:
        await until(lambda: knows(words, "kettle"))
        await shop.delete("a")
        await until(lambda: words.vocabulary is not None and not words.vocabulary.has_word("kettle"))
        assert knows(words, "teapot")


async def test_without_a_change_nothing_is_counted_anew(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="kettle")
    polls = 0

    class Counted(InMemoryChangeLog):
        async def since(self, position: int) -> tuple[int, list[str]] | None:
            nonlocal polls
            polls += 1
            return await super().since(position)

    async with following(shop, RefreshIntervals(poll_s=0.001, recount_s=0.0), Counted()) as words:
        await until(lambda: words.vocabulary is not None)
        first = words.vocabulary
        await until(lambda: polls > 5)
        assert words.vocabulary is first


async def test_what_a_log_has_lost_is_found_by_counting_anew(make_shop: MakeShop) -> None:
    shop = make_shop()
    log = InMemoryChangeLog(kept=1)
    await shop.put("a", title="kettle")
    async with following(shop, RefreshIntervals(poll_s=0.005, retry_s=0.005, recount_s=0.0), log) as words:
        await until(lambda: knows(words, "kettle"))
        await shop.put("b", title="teapot")
        await log.append(["x", "b", "y"])
        await until(lambda: knows(words, "teapot"))


async def test_a_log_that_is_away_delays_changes_and_loses_none(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="kettle")

    class Away(InMemoryChangeLog):
        refusals = 0

        async def since(self, position: int) -> tuple[int, list[str]] | None:
            if self.refusals < 3:
                self.refusals += 1
                raise StoreUnavailable("away")
            return await super().since(position)

    log = Away()
    async with following(shop, change_log=log) as words:
        await until(lambda: knows(words, "kettle"))
        await shop.put("b", title="teapot")
        await log.append(["b"])
        await until(lambda: knows(words, "teapot"))
        assert log.refusals == 3


async def test_a_count_that_fails_is_tried_again(make_shop: MakeShop) -> None:
    failures = iter([StoreUnavailable("away"), RuntimeError("unforeseen")])

    class FailsTwice(InMemoryProductStore):
        async def scan_states(self, after: str, limit: int) -> dict[str, StoredProduct]:
            if (failure := next(failures, None)) is not None:
                raise failure
            return await super().scan_states(after, limit)

    shop = make_shop(store=FailsTwice(HashEncoder().spec))
    await shop.put("a", title="kettle")
    async with following(shop) as words:
        await until(lambda: knows(words, "kettle"))
    assert next(failures, None) is None


async def test_a_recogniser_is_adapted_as_words_come_and_a_failure_is_no_end(make_shop: MakeShop) -> None:
    shop = make_shop()
    await shop.put("a", title="kettle")

    class FailsOnce(ScriptedRecogniser):
        failed = False

        async def adapt(self, spoken: SpokenVocabulary) -> None:
            if not self.failed:
                self.failed = True
                raise RuntimeError("no process")
            await super().adapt(spoken)

    recogniser = FailsOnce()

    def adapted_words() -> Sequence[str]:
        return recogniser.received_vocabularies[-1].words if recogniser.received_vocabularies else ()

    async with following(shop) as words:
        task = asyncio.create_task(RecogniserUpdater(words, recogniser, FREQUENT).run())
        await until(lambda: recogniser.failed)
        # No word is new, and those that it did not learn are tried again.
        await until(lambda: "kettle" in adapted_words())
        await shop.put("b", title="teapot")
        await until(lambda: {"kettle", "teapot"} <= set(adapted_words()))
        task.cancel()


async def test_without_a_recogniser_there_is_nothing_to_update(make_shop: MakeShop) -> None:
    words = CatalogueVocabulary(make_shop().services.store, InMemoryChangeLog(), FREQUENT)
    await asyncio.wait_for(RecogniserUpdater(words, None, FREQUENT).run(), 5)
