"""The device computes for all clients at once, queries first, and nothing for those who are gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from encoders.port import HashEncoder, Pixels
from encoders.processes.messages import EncodedRows, ErrorMessage
from encoders.service.device_loop import MAX_PUT_OFF_S, DeviceLoop
from encoders.service.opening import Urgency
from encoders.service.pass_queue import INPUTS_PER_PASS, Batch, PassClient, PassInputs, PassQueue
from encoders.spec import FloatArray


class Recorder(HashEncoder):
    """Remembers its passes."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: list[list[str]] = []
        self.now, self.pass_s = 0.0, 0.0

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        self.passes.append([*texts])
        self.now += self.pass_s
        return super().encode_texts(texts)


class Synchronous(Recorder):
    """Computes in `launch`, as torch does on a CPU."""

    def stage_texts(self, texts: Sequence[str]) -> SynchronousPass:
        return SynchronousPass(lambda: self.encode_texts(texts))

    def stage_images(self, images: Sequence[Pixels]) -> SynchronousPass:
        return SynchronousPass(lambda: self.encode_images(images))


class SynchronousPass:
    def __init__(self, compute: Callable[[], FloatArray]) -> None:
        self._compute = compute

    def launch(self) -> None:
        self._rows = self._compute()

    def rows(self) -> FloatArray:
        return self._rows


class Shop:
    """A device, its queue, and what clients were answered."""

    def __init__(self, encoder: Recorder | None = None) -> None:
        self.encoder, self.queue = encoder or Recorder(), PassQueue()
        self.loop = DeviceLoop(self.encoder, self.queue, lambda: self.encoder.now)
        self.answers: dict[str, EncodedRows | ErrorMessage] = {}

    def ask(self, name: str, inputs: int | PassInputs, urgency: Urgency = "indexing") -> PassClient:
        client = PassClient(urgency)
        asked: PassInputs = (
            {"texts": [f"{name} {at:03}" for at in range(inputs)]} if isinstance(inputs, int) else inputs
        )
        batch = Batch(client, asked, lambda answer: self.answers.__setitem__(name, answer))
        batch.start(self.encoder.spec.dim)
        self.queue.add(batch)
        return client

    def work_off(self) -> None:
        while self.queue.waiting("query", "indexing") or self.loop.is_busy:
            self.loop.step()

    @property
    def whose(self) -> list[set[str]]:
        return [{text.split()[0] for text in forward} for forward in self.encoder.passes]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def rows(answer: EncodedRows | ErrorMessage) -> FloatArray:
    assert isinstance(answer, EncodedRows)
    return np.frombuffer(answer.texts, np.float32).reshape(-1, HashEncoder().spec.dim)


def test_clients_share_passes_and_get_their_own_rows(shop: Shop) -> None:
    for name, count in (("a", 10), ("b", 20), ("c", INPUTS_PER_PASS)):
        shop.ask(name, count)
    shop.work_off()
    assert shop.whose == [{"a", "b", "c"}, {"c"}]
    assert [len(forward) for forward in shop.encoder.passes] == [INPUTS_PER_PASS, 30]
    expected = HashEncoder().encode_texts([f"b {at:03}" for at in range(20)])
    np.testing.assert_array_equal(rows(shop.answers["b"]), expected)


def test_a_query_waits_for_the_pass_under_way_and_no_other(shop: Shop) -> None:
    shop.ask("index", 4 * INPUTS_PER_PASS)
    shop.loop.step()
    shop.ask("query", 1, "query")
    shop.work_off()
    assert shop.whose == [{"index"}, {"query"}, {"index"}, {"index"}, {"index"}]


def test_a_query_waits_for_no_more_passes_of_a_slow_device() -> None:
    shop = Shop(Synchronous())
    shop.encoder.pass_s = 10 * MAX_PUT_OFF_S
    shop.ask("index", 4 * INPUTS_PER_PASS)
    shop.loop.step()
    shop.ask("first", 1, "query")
    shop.loop.step()
    shop.loop.step()
    shop.ask("second", 1, "query")
    shop.work_off()
    assert shop.whose == [{"index"}, {"first"}, {"index"}, {"second"}, {"index"}, {"index"}]


def test_endless_queries_put_a_pass_of_indexing_off_for_a_bounded_time(shop: Shop) -> None:
    shop.ask("index", 2 * INPUTS_PER_PASS)
    shop.loop.step()
    for number in range(5):
        shop.ask(f"query{number}", 1, "query")
        shop.loop.step()
    assert shop.whose == [{"index"}, *({f"query{number}"} for number in range(4))]
    shop.encoder.now += MAX_PUT_OFF_S
    shop.ask("last", 1, "query")
    shop.work_off()
    assert shop.whose[5:] == [{"query4"}, {"index"}, {"last"}] or shop.whose[5:] == [{"query4", "last"}, {"index"}]


def test_nothing_is_computed_for_a_client_who_is_gone(shop: Shop) -> None:
    gone = shop.ask("gone", 3 * INPUTS_PER_PASS)
    shop.ask("stays", 1)
    gone.gone = True
    shop.work_off()
    assert shop.whose == [{"stays"}]
    assert "gone" not in shop.answers


def test_what_one_client_sends_fails_no_other(shop: Shop) -> None:
    shop.ask("good", 3)
    shop.ask("bad", {"texts": ["lone \ud800"]})
    shop.work_off()
    assert len(rows(shop.answers["good"])) == 3
    bad: Any = shop.answers["bad"]
    assert "surrogates not allowed" in bad.message


def test_a_batch_without_inputs_is_answered(shop: Shop) -> None:
    shop.ask("none", {"texts": [], "images": []})
    assert len(rows(shop.answers["none"])) == 0


def test_each_client_is_told_its_share_of_the_devices_time() -> None:
    shop = Shop(Synchronous())
    shop.encoder.pass_s = 8.0
    shop.ask("ada", 3)
    shop.ask("bob", 1)
    shop.work_off()
    times = {name: answer.device_s for name, answer in shop.answers.items() if isinstance(answer, EncodedRows)}
    assert times == {"ada": 6.0, "bob": 2.0}
