"""Who publishes what became of an event, when two generations' workers read it."""

from dataclasses import replace

from streams.delivery.messages import Message
from streams.products.generation_role import GenerationRole
from tests.unit.streams.pipeline import Bench, picture

BUILDING = GenerationRole("new", active=False, reports_until_ms=float("-inf"))
ACTIVE = GenerationRole("old")


async def index_without_picture(bench: Bench) -> Message:
    """Index a product whose picture is out of reach; the message as it comes off the delay line."""

    async def nothing(digest: str) -> None:
        return None

    bench.incoming.get = nothing
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Kettle", "images": [{"data": picture()}]}))
    [again] = [message for message in bench.kafka.published if message.topic.startswith("vitrine.retry.")]
    return replace(bench.kafka.raw(again.value), headers=dict(again.headers))


async def test_a_generation_that_is_built_is_silent_and_indexes_all_the_same():
    bench = Bench(role=BUILDING)
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Kettle"}), bench.kafka.raw(b"no event"))
    assert await bench.titles("kettle") == ["p"]
    assert bench.kafka.published == []


async def test_the_former_generation_speaks_of_what_came_before_the_switch_was_seen_everywhere():
    bench = Bench()
    early, late = bench.kafka.message({"product_id": "a", "title": "x"}), bench.kafka.raw(b"no event")
    role = GenerationRole("old", active=False, reports_until_ms=early.timestamp_ms)
    assert role.reports_on(early)
    assert role.reports_on(late) == (late.timestamp_ms <= early.timestamp_ms)
    assert not BUILDING.reports_on(early)


async def test_each_generation_tries_again_what_it_misses_itself():
    mine = await index_without_picture(Bench(role=ACTIVE))
    other = await index_without_picture(Bench(role=BUILDING))
    assert BUILDING.may_retry(other) and not BUILDING.may_retry(mine)
    assert ACTIVE.may_retry(mine) and ACTIVE.may_retry(other), "the other's workers may be gone by then"


async def test_a_try_on_behalf_of_another_generation_is_not_multiplied():
    bench = Bench(role=BUILDING)
    await index_without_picture(bench)
    published = len(bench.kafka.published)
    await bench.index(await index_without_picture(Bench(role=ACTIVE)))
    assert len(bench.kafka.published) == published
