"""Play a log through a whole stack: `python -m tests.bench.recommendations.play FILES RUN [CASES]`.

FILES is what `visits` wrote, RUN the file of recommendations that the scoring's `--run NAME=RUN` takes, CASES how many
cases are asked, evenly taken (400). Products and visits go through Kafka, times shifted so that the cut is now, with a
horizon that is wide enough; then what the cases may be known of; then each is asked over HTTP: `for_you` of a shopper
who comes, `continue` of a session. A session that is asked of several times is played on from one case to the next, all
sessions side by side. What cases did is seen by the other sessions as well.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx
import msgspec
from aiokafka import AIOKafkaProducer

from deploy.local.stack import LocalStack
from query_api.recommending.shop_patterns import REFRESH_S
from streams.events.cloudevents import encode_event, event_key
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS, Event, Product, UserInteraction
from tests.stack import Stack, start_stack

HORIZON_DAYS = 400
SHOWN = 20
TRIES = 5


def main() -> None:
    """Start a stack, play, ask, stop."""
    files, run = Path(sys.argv[1]), Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    cases = chosen(read(files / "cases.jsonl"), count)
    with tempfile.TemporaryDirectory() as directory:
        stack = start_stack(Path(directory), VITRINE_INDEXING_HORIZON_DAYS=str(HORIZON_DAYS))
        try:
            played = play(stack, files, cases)
            run.write_text("".join(json.dumps(one) + "\n" for one in played))
        finally:
            stack.cli("down")


def play(stack: Stack, files: Path, cases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the stack recommends for each case."""
    now_ms = int(time.time() * 1000)
    products = [
        Event(f"product-{product['product_id']}", "log", "product.created", now_ms, msgspec.convert(product, Product))
        for product in read(files / "products.jsonl")
    ]
    publish(stack, PRODUCT_EVENTS, products)
    visits = read(files / "visits.jsonl")
    publish(stack, USER_EVENTS, (event for visit in visits for event in steps(visit, now_ms - visit["age_ms"])))
    print(f"{len(products):,} products, {sum(len(visit['items']) for visit in visits):,} interactions", flush=True)
    time.sleep(REFRESH_S + 5)  # What the shop's sessions have in common is learnt as often.
    answers: list[dict[str, Any]] = []
    now_ms = int(time.time() * 1000)
    for together in rounds(cases):
        publish(stack, USER_EVENTS, (event for case in together for event in steps(case, now_ms)))
        answers += asked(stack.url, together)
    return answers


def asked(url: str, cases: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The recommended products of each case, and how long an answer took."""
    answers, took_ms = [], []
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
        for case in cases:
            began_s = time.perf_counter()
            found = answer(http, case)
            took_ms.append(1000 * (time.perf_counter() - began_s))
            # A busy machine misses a deadline now and then: what was answered without history is asked again.
            tries = 1
            while found["degraded"] and tries < TRIES:
                found, tries = answer(http, case), tries + 1
            assert not found["degraded"], found["degraded"]
            answers.append({"id": case["id"], "items": [hit["product_id"] for hit in found["hits"]]})
    print(f"{len(cases)} cases asked, median {statistics.median(took_ms):.1f} ms", flush=True)
    return answers


def answer(http: httpx.Client, case: dict[str, Any]) -> dict[str, Any]:
    """What is recommended for a case."""
    anchor = {"kind": "continue", "session_id": session(case)} if case["items"] else {"kind": "for_you"}
    path = f"/v1/users/{shopper(case)}/recommendations"
    return http.get(path, params=anchor | {"k": SHOWN}).raise_for_status().json()


def chosen(cases: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """So many cases, evenly taken."""
    return [*cases[:: max(1, len(cases) // count)]][:count]


def rounds(cases: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The cases that can be asked at the same time: the first of each session, then the second, which has more."""
    of_session: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: len(case["items"])):
        of_session[session(case)].append(case)
    return [[case for case in together if case] for together in zip_longest(*of_session.values())]


def steps(visit: dict[str, Any], time_ms: int) -> Iterator[Event]:
    """The events of a visit, a millisecond apart."""
    for at, item in enumerate(visit["items"]):
        data = UserInteraction(shopper(visit), item, session_id=session(visit))
        yield Event(f"{session(visit)}-{at}", "log", f"user.{visit['kind']}", time_ms + at, data)


def session(visit: dict[str, Any]) -> str:
    """Which it was: cases of one name how far it had come, after a colon."""
    return visit["id"].partition(":")[0]


def shopper(visit: dict[str, Any]) -> str:
    """Who it was: somebody for this visit alone where it is not known."""
    return visit["user"] or f"guest-{session(visit)}"


def publish(stack: Stack, topic: str, events: Iterable[Event]) -> None:
    """Publish, and wait until all is indexed and recorded."""
    record = LocalStack(stack.data_dir).state().find("kafka")
    assert record is not None

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=record.url, linger_ms=20)
        await producer.start()
        for event in events:
            await producer.send(topic, encode_event(event), event_key(event.data))
        await producer.stop()

    asyncio.run(send())
    while any(waiting := [sum(one.values()) for one in (stack.status()["lag"] or {"": {"": 1}}).values()]):
        print(f"{waiting} wait", flush=True)
        time.sleep(5)


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


if __name__ == "__main__":
    main()
