"""A shop that changes while it is searched: hits of the cache, and whether an answer is ever stale; 6 to 14 minutes.

Shoppers ask as many do: few queries often, many seldom (Zipf), one in twenty of them known. 100 changes a second go
through Kafka and the indexing worker meanwhile. An answer is stale if it shows a product as it was before a change
that had been acknowledged as searchable when the request was sent, or lacks one that it had to show.
`BENCH_ANSWERS`: how many are checked; `BENCH_LONGEST_S`: for how long at most, each of the two parts;
`BENCH_QUERY_PRODUCTS`: in a shop of how many.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import msgspec
import numpy as np

from streams.events.schema import INDEX_CHANGES, IndexChange
from tests.bench.http_load import get, load
from tests.bench.query.changes import WORDS, CatalogueChanges
from tests.bench.query.checked_answers import PAGES, Asked, CheckedAnswers, Page
from tests.bench.query.conftest import PRODUCTS
from tests.bench.query.listings import Listings
from tests.bench.query.services import SHOPPERS
from tests.bench.report import Target, percentiles, publish_report
from tests.bench.shop import Servers

ANSWERS = int(os.environ.get("BENCH_ANSWERS", "100000"))
LONGEST_S = float(os.environ.get("BENCH_LONGEST_S", "400"))
"""Of each of the two parts."""
CHANGES_PER_S = float(os.environ.get("BENCH_CHANGES_PER_S", "100"))
QUERIES, EXPONENT, PERSONAL = 2_000, 1.0, 0.05
CONNECTIONS = 8
FIRST_WORD, WORD_EVERY = 5, 40
"""At which ranks the words are asked for that come and go."""
COMPARED = 200
DRIFT = 0.05
"""With every change of the catalogue words weigh a little more or less: scores of cached products keep what was."""
TROUBLES = {
    "changes that Redis did not take in time": "change_log_unavailable",
    "calls that Milvus did not answer in time": '"server":"milvus"',
    "rows that a late write had set back": "late_write_found",
}
"""What the indexing worker logs on a machine that is too busy, which may then show in answers for a moment."""
SETTLED_S = 60.0


_records = msgspec.json.Decoder(IndexChange)


def test_no_answer_is_stale_and_most_come_from_the_cache(servers: Servers, listings: Listings):
    with servers.worker() as indexing, servers.query_worker() as first, servers.query_worker() as second:
        parts = asyncio.run(_measure(servers, listings, {"one worker": [first], "two workers": [first, second]}))
        log = indexing.log.read_text()
    troubles = {what: log.count(logged) for what, logged in TROUBLES.items()}
    _publish(parts, troubles)
    faults = [fault for part in parts.values() for answer in part.answers for fault in answer.faults]
    assert not faults, "\n".join([str(troubles), *faults[:20]])
    waiting = sum(part.unacknowledged for part in parts.values())
    assert not waiting, f"{waiting} changes were not acknowledged {SETTLED_S:.0f} s after the last: {troubles}"


@dataclass(frozen=True, slots=True)
class Part:
    """What came of a part."""

    answers: Sequence[CheckedAnswers]
    latencies_ms: Sequence[float]
    """Of changes, from published to acknowledged."""
    unacknowledged: int
    """Changes that were not acknowledged long after the last."""
    differing: int
    """Of the most asked queries, in the end: those that lack a hit which a fresh search has."""


async def _measure(servers: Servers, listings: Listings, parts: dict[str, list[str]]) -> dict[str, Part]:
    changes, asked = CatalogueChanges(listings), _sequence(listings)
    following = asyncio.create_task(_acknowledge(servers, changes))
    done = {name: await _part(servers, changes, asked, urls) for name, urls in parts.items()}
    following.cancel()
    return done


async def _part(servers: Servers, changes: CatalogueChanges, asked: list[Asked], urls: list[str]) -> Part:
    seen, changes.latencies_ms = set[str](), []
    changing = asyncio.create_task(servers.broker.publish_without_end(changes.make(), CHANGES_PER_S))
    turns = [asked[at * len(asked) // len(urls) :] + asked[: at * len(asked) // len(urls)] for at in range(len(urls))]
    fresh = [httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) for url in urls]
    answers = [
        CheckedAnswers(changes=changes, asked=turn, seen=seen, fresh=one)
        for turn, one in zip(turns, fresh, strict=True)
    ]
    wanted = ANSWERS // 2 // len(urls)
    await asyncio.gather(*(_ask(url, one, wanted) for url, one in zip(urls, answers, strict=True)))
    await asyncio.gather(*(task for answer in answers for task in answer.confirming))
    await asyncio.gather(*(answer.aclose() for answer in fresh))
    changing.cancel()
    await asyncio.wait([changing])
    # What was found is told even where the indexing worker is behind.
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLED_S):
            while changes.unacknowledged:
                await asyncio.sleep(0.05)
    differing = sum([await _differing(url, asked) for url in urls])
    return Part(answers, changes.latencies_ms, changes.unacknowledged, differing)


async def _ask(url: str, answers: CheckedAnswers, wanted: int) -> None:
    """Ask until there are so many answers, or it takes too long."""
    requests = [get(url, question.path) for question in answers.asked]

    def next_request(number: int) -> bytes:
        return requests[number % len(requests)]

    began_s = time.perf_counter()
    while len(answers.answered_s) < wanted and time.perf_counter() < began_s + LONGEST_S:
        await load(url, next_request, CONNECTIONS, 2.0, answers)
    answers.seconds = time.perf_counter() - began_s


async def _acknowledge(servers: Servers, changes: CatalogueChanges) -> None:
    async for value in servers.broker.follow(INDEX_CHANGES, await servers.broker.ends(INDEX_CHANGES)):
        changes.acknowledge(_records.decode(value).event_ids)


async def _differing(url: str, asked: list[Asked]) -> int:
    """How many of the most asked queries are not answered as a search that bypasses the cache answers them."""
    differing = 0
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
        for path in list(dict.fromkeys(one.path for one in asked))[:COMPARED]:
            pages = [
                PAGES.decode((await http.get(path, headers=headers)).raise_for_status().content)
                for headers in ({}, {"cache-control": "no-cache"})
            ]
            differing += _lacks_a_hit(*pages)
    return differing


def _lacks_a_hit(page: Page, fresh: Page) -> bool:
    """Whether a fresh search has a hit that a page lacks, and by more than words' weights shift with the catalogue."""
    shown, last = {hit.product_id for hit in page.hits}, min((hit.score for hit in page.hits), default=-1.0)
    return any(hit.product_id not in shown and hit.score > last + DRIFT for hit in fresh.hits)


def _sequence(listings: Listings) -> list[Asked]:
    """Requests in the order in which they are made."""
    queries = [Asked(_path(query)) for query in listings.queries(QUERIES, seed=2)]
    for at, word in enumerate(WORDS):
        queries[min(FIRST_WORD + at * WORD_EVERY, len(queries) - 1 - at)] = Asked(_path(word), word)
    shares = np.arange(1, len(queries) + 1) ** -EXPONENT
    chance = random.Random(4)
    return [
        Asked(f"{choice.path}&user_id=shopper-{chance.randrange(SHOPPERS)}", choice.word)
        if chance.random() < PERSONAL
        else choice
        for choice in chance.choices(queries, shares.tolist(), k=ANSWERS)
    ]


def _path(query: str) -> str:
    return f"/v1/search?q={quote(query)}"


def _publish(parts: dict[str, Part], troubles: dict[str, int]) -> None:
    rows, targets = [], list[Target]()
    for name, part in parts.items():
        count = sum(len(answer.answered_s) for answer in part.answers)
        hits = sum(answer.hits for answer in part.answers)
        share = hits / sum(answer.hits_of_a_cache_that_forgets_nothing for answer in part.answers)
        stale = sum(len(answer.faults) for answer in part.answers)
        rate = count / statistics.mean(answer.seconds for answer in part.answers)
        degraded = sum(answer.degraded for answer in part.answers)
        rows.append((name, count, rate, hits / count, share, stale, part.differing, degraded, *_delays(part)))
        targets.append(Target(f"{name}: hits of a cache that forgets nothing", share, 0.9))
        targets.append(Target(f"{name}: stale", float(stale), 0.0, at_most=True))
    targets += [Target(what, float(count), 0.0, at_most=True) for what, count in troubles.items()]
    targets.append(Target("answers that were checked", float(sum(row[1] for row in rows)), 100_000.0))
    columns = ["by", "answers", "requests/s", "hits", "of a cache that forgets nothing", "stale", "unlike a fresh one"]
    columns += ["degraded", "a change is searchable, p50 ms", "p99 ms"]
    publish_report("staleness", columns, rows, targets, products=PRODUCTS, changes_per_s=CHANGES_PER_S)


def _delays(part: Part) -> tuple[float, ...]:
    return tuple(percentiles(part.latencies_ms).values())
