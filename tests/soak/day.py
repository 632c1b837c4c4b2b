"""A day of a shop: so many events in each stretch of it, and what happens meanwhile."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil
from redis import Redis

from streams.config import IndexingConfig
from tests.chaos.load import Load, Stream, event, outgoing
from tests.chaos.shop import Scenario, Shop
from tests.soak.memory import Sample, resident_mb

SECONDS = float(os.environ.get("SOAK_DAY_SECONDS", "540"))
WORKERS = 3
BROKER_AWAY_S = 10.0
FORGOTTEN = 6
REBUILT = "products_g2"


@dataclass
class Day:
    """A shop's day as it goes on.

    Attributes:
        persons: those who are forgotten, in their turn.
        samples: resident memory of the workers, each by the name of its process and its number.
    """

    shop: Shop
    run: Scenario
    persons: list[str] = field(default_factory=list[str])
    samples: list[Sample] = field(default_factory=list[Sample])
    published: int = 0

    def pass_by(self) -> None:
        """All of it, in `SECONDS` and what the faults take beyond."""
        messages = Stream(self.run.prefix, seed=24, products=1_500, shoppers=120).messages(
            sum(stretch.count for stretch in STRETCHES)
        )
        self.persons = [f"{self.run.prefix}-forgotten-{number}" for number in range(FORGOTTEN)]
        self.shop.publish([outgoing(one) for person in self.persons for one in _deeds(person)])
        for stretch in STRETCHES:
            some = messages[self.published : self.published + stretch.count]
            self.published += stretch.count
            print(f"{stretch.name}: {stretch.count} events, {stretch.rate:.0f} a second; {stretch.happens.__doc__}")
            with Load(self.shop.servers.kafka, some, stretch.rate) as load:
                self._sample()
                stretch.happens(self)
                while load.published < stretch.count:
                    self._sample()
                    time.sleep(1)

    def _sample(self) -> None:
        memory: dict[str, float] = {}
        for record in [*self.shop.workers(), *self.shop.query_workers()]:
            memory |= {f"{record.name} {record.pid} {part}": mb for part, mb in _resident(record.pid).items()}
        self.samples.append(Sample(len(self.samples), memory))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Two hours of the day.

    Attributes:
        rate: events a second.
        happens: what else.
    """

    name: str
    rate: float
    happens: Callable[[Day], None]

    @property
    def count(self) -> int:
        """How many events it has."""
        return round(self.rate * SECONDS / len(STRETCHES))


def quiet(day: Day) -> None:
    """nothing else"""


def rebuild(day: Day) -> None:
    """the index is rebuilt beside, and switched to, and the generation before is given up at once"""
    day.shop.stack.cli("reindex", "--share", "1", "--force", "--hold", "600")
    # Who follows that one has yet to announce what its workers had not done when they were switched.
    day.shop.stack.cli("reindex", "--drop-held")
    day.shop.group = IndexingConfig().group_of(REBUILT)
    day.shop.wait("all follow", lambda: day.shop.are_ready(WORKERS))


def replay(day: Day) -> None:
    """dead letters are published again, and die again"""
    assert "replayed" in day.shop.stack.cli("dlq", "replay").stdout


def rebalance(day: Day) -> None:
    """two of three workers leave, and come back"""
    for worker in day.shop.workers()[1:]:
        day.shop.kill(worker, signal.SIGTERM)
    day.shop.wait("one has all", lambda: day.shop.are_ready(1))
    day.shop.up(WORKERS)
    day.shop.wait("three take part", lambda: day.shop.are_ready(WORKERS))


def restart(day: Day) -> None:
    """each worker is stopped in its turn, and started again"""
    for worker in day.shop.workers():
        day.shop.kill(worker, signal.SIGTERM)
        day.shop.up(WORKERS)


def kill(day: Day) -> None:
    """two workers are killed, one after the other"""
    for place in (0, 2):
        day.shop.kill(day.shop.workers()[place])
        day.shop.up(WORKERS)


def forget(day: Day) -> None:
    """half of those who want to be are forgotten"""
    for person in day.persons[: FORGOTTEN // 2]:
        day.shop.stack.cli("forget-user", person)


def forget_others(day: Day) -> None:
    """the others are forgotten too, and dead letters published again"""
    for person in day.persons[FORGOTTEN // 2 :]:
        day.shop.stack.cli("forget-user", person)
    replay(day)


def flush_redis(day: Day) -> None:
    """all that Redis has is gone"""
    with Redis.from_url(day.shop.servers.redis) as redis:
        redis.flushall()


def kill_milvus(day: Day) -> None:
    """Milvus is killed, and started again on its data"""
    day.shop.stop_server("milvus")
    day.shop.start_server("milvus")


def kill_broker(day: Day) -> None:
    """the broker is killed, and away for ten seconds"""
    day.shop.stop_server("kafka")
    time.sleep(BROKER_AWAY_S)  # The fault itself.
    day.shop.start_server("kafka")


STRETCHES = (
    Stretch("night", 15, rebuild),
    Stretch("night", 10, replay),
    Stretch("early morning", 20, rebalance),
    Stretch("morning", 50, kill),
    Stretch("morning", 50, restart),
    Stretch("noon", 60, forget),
    Stretch("afternoon", 50, flush_redis),
    Stretch("afternoon", 50, kill_milvus),
    Stretch("evening", 80, kill_broker),
    Stretch("sale", 150, kill),
    Stretch("late evening", 40, forget_others),
    Stretch("night", 15, quiet),
)


def _deeds(person: str) -> list[dict[str, object]]:
    """What somebody did before being forgotten: with products that nobody else touches, and one that is refused."""
    clicks = [
        event(f"{person}-{number}", "user.clicked", {"user_id": person, "product_id": f"liked-{person[-1]}-{number}"})
        for number in range(3)
    ]
    return [*clicks, event(f"{person}-long", "user.searched", {"user_id": person, "query": "wish " * 400})]


def _resident(pid: int) -> dict[str, float]:
    try:
        return resident_mb(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return {}
