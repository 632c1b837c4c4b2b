"""Workers that are killed, restarted, multiplied and frozen under load."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.chaos.load import Load, Outgoing, Stream, event, outgoing

RATE = 150.0
"""Events a second."""
FREEZE_S = 30.0
LATE = "request held back until the next owner wrote"
LATE_WRITE_S = 60.0
"""How long the next owner watches its rows for what a late request does to them."""


def test_one_of_three_workers_killed_at_random_ten_times(shop, scenario):
    run = scenario("kill -9 of one of three workers, ten times")
    messages = Stream(run.prefix, seed=9).messages(6_000)
    chosen = random.Random(9)
    with Load(shop.servers.kafka, messages, RATE) as load:
        for kill in range(10):
            load.wait(len(messages) * (kill + 1) // 12)
            shop.kill(chosen.choice(shop.workers()))
            shop.up()
    run.check()


def test_every_worker_restarted_in_turn(shop, scenario):
    run = scenario("rolling SIGTERM restarts")
    messages = Stream(run.prefix, seed=10).messages(4_000)
    with Load(shop.servers.kafka, messages, RATE) as load:
        for place, worker in enumerate(shop.workers()):
            load.wait(len(messages) * (place + 1) // 5)
            shop.kill(worker, signal.SIGTERM)
            shop.up()
    run.check()


def test_from_one_worker_to_three_and_back(shop, scenario):
    run = scenario("scale 1 → 3 → 1")
    for worker in shop.workers()[1:]:
        shop.kill(worker, signal.SIGTERM)
    messages = Stream(run.prefix, seed=11).messages(4_000)
    with Load(shop.servers.kafka, messages, RATE) as load:
        load.wait(len(messages) // 4)
        shop.up(3)
        shop.wait("three take part", lambda: shop.are_ready(3))
        load.wait(len(messages) // 2)
        for worker in shop.workers()[1:]:
            shop.kill(worker, signal.SIGTERM)
    run.check(workers=1)


def titled(product_id: str, version: int, title: str) -> Outgoing:
    """A creation, so that any older row shows."""
    data = {"product_id": product_id, "version": version, "title": title}
    return outgoing(event(f"{product_id}-{version}", "product.created", data))


@pytest.mark.parametrize(
    "held",
    [
        "request on its way to Milvus",
        LATE,
        "request held back until it woke",
        "answer held back until the next owner wrote",
    ],
)
def test_a_worker_frozen_in_the_middle_of_an_upsert(shop, scenario, held):
    run = scenario(f"SIGSTOP for 30 s in the middle of an upsert, {held}")
    product_id = f"{run.prefix}-frozen"
    catch = shop.proxy.catch(lambda piece: b"first zeppelin" in piece, answers="answer" in held)
    shop.publish([titled(product_id, 1, "first zeppelin")])
    assert catch.caught.wait(20)
    worker = shop.worker_at(catch.client_port)
    os.kill(worker.pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        if "on its way" in held:
            shop.proxy.release()
        with Load(shop.servers.kafka, Stream(run.prefix, seed=12).messages(2_000), RATE):
            shop.publish([titled(product_id, 2, "second zeppelin")])
            shop.wait("the next owner writes", lambda: run.title(product_id) == "second zeppelin")
            if "wrote" in held:
                shop.proxy.release()
            if held == LATE:
                shop.wait("it lands all the same", lambda: run.title(product_id) == "first zeppelin", 10)
        # The fault itself: so long is the worker away.
        time.sleep(max(0.0, began + FREEZE_S - time.monotonic()))
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    shop.proxy.release()
    run.check(settles_s=LATE_WRITE_S + 30)
