"""The embedded stack: real processes that start, are recognised, survive and end."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from msgspec.structs import replace
from pymilvus import MilvusClient

from deploy.local.errors import DataDirUnusable, StartFailed
from deploy.local.processes import is_alive, log_tail
from deploy.local.services import Service
from deploy.local.stack import LocalStack
from deploy.local.state import StateFile


class Failing(Service):
    """A server that says why it cannot start."""

    name = "failing"
    url = "nowhere"
    cwd = Path("/")
    env = os.environ
    argv = ("sh", "-c", "echo the disk is on fire; exit 3")

    def prepare(self, progress) -> None:
        pass

    async def check(self) -> None:
        raise ConnectionError


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    stack = LocalStack(tmp_path / "a directory with blanks")
    yield stack
    stack.stop()


def start(stack: LocalStack, *services: Service) -> dict[str, int]:
    """Start services; the pids of all that runs then."""
    state = asyncio.run(stack.start(services, lambda _: None))
    return {one.name: one.pid for one in state.processes}


async def redis_call(stack: LocalStack, *command: str):
    from redis.asyncio import Redis

    record = stack.state().find("redis")
    assert record
    async with Redis.from_url(record.url) as client:
        return await client.execute_command(*command)


def test_a_second_start_leaves_what_runs_and_data_and_ports_survive_a_stop(stack):
    pids = start(stack, stack.redis())
    asyncio.run(redis_call(stack, "SET", "k", "v"))
    url = stack.redis().url
    assert start(stack, stack.redis()) == pids
    assert stack.stop() == ["redis"]
    assert not psutil.pid_exists(pids["redis"]) and stack.state().processes == []
    assert start(stack, stack.redis()) != pids
    assert stack.redis().url == url
    assert asyncio.run(redis_call(stack, "GET", "k")) == b"v"


def test_a_killed_server_is_noticed_and_a_start_brings_it_back(stack):
    pids = start(stack, stack.redis(), stack.milvus())
    os.kill(pids["milvus"], signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pids["milvus"])] if psutil.pid_exists(pids["milvus"]) else [], timeout=5)
    assert [one.name for one in stack.crashed()] == ["milvus"]
    again = start(stack, stack.redis(), stack.milvus())
    assert again["redis"] == pids["redis"] and again["milvus"] != pids["milvus"]
    assert stack.crashed() == []


async def kafka_publish(servers: str, value: bytes) -> None:
    """Make the topic `t` and send one record to it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic("t", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=servers, max_request_size=11 * 2**20) as producer:
        await producer.send_and_wait("t", value)


async def kafka_first(servers: str) -> bytes:
    """The first record of the topic `t`."""
    limits = {"max_partition_fetch_bytes": 11 * 2**20, "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer("t", bootstrap_servers=servers, **limits) as consumer:
        return (await asyncio.wait_for(consumer.getone(), 30)).value


def test_data_survive_the_killing_of_every_server(tmp_path, request):
    """In a directory whose name properties files, comma-separated lists and shells would all misread."""
    stack = LocalStack(tmp_path / "größe, 'a' \"b\" $c #d \\n 目录")
    request.addfinalizer(stack.stop)
    services = [stack.kafka(), stack.redis(), stack.milvus()]
    urls = [one.url for one in services]
    pids = start(stack, *services)
    big = os.urandom(10 * 2**20)
    asyncio.run(kafka_publish(urls[0], big))
    asyncio.run(redis_call(stack, "SET", "k", "v"))
    client = MilvusClient(urls[2])
    client.create_collection("c", dimension=4)
    client.insert("c", [{"id": 7, "vector": [1.0, 0, 0, 0]}])
    client.close()

    for pid in pids.values():
        process = psutil.Process(pid)
        process.kill()
        process.wait(10)
    assert {one.name for one in stack.crashed()} == {"kafka", "redis", "milvus"}
    assert all("the end of" in log_tail(one) for one in stack.crashed())

    services = [stack.kafka(), stack.redis(), stack.milvus()]
    assert [one.url for one in services] == urls
    start(stack, *services)
    assert asyncio.run(kafka_first(urls[0])) == big
    client = MilvusClient(urls[2])
    assert client.get("c", [7])[0]["id"] == 7
    client.close()
    assert asyncio.run(redis_call(stack, "GET", "k")) == b"v"
    assert [one.name for one in tmp_path.iterdir()] == [stack.data_dir.name]


def test_what_is_started_anew_is_still_stopped_after_what_depends_on_it(stack):
    pids = start(stack, stack.redis(), stack.milvus())
    process = psutil.Process(pids["redis"])
    process.kill()
    process.wait(10)
    start(stack, stack.redis(), stack.milvus())
    assert stack.stop() == ["milvus", "redis"]


def test_a_port_that_another_program_has_taken_is_given_up_for_a_free_one(stack):
    url = stack.redis().url
    with closing(socket.create_server(("127.0.0.1", urlsplit(url).port))):
        service = stack.redis()
        assert service.url != url
        start(stack, service)


def test_a_stranger_at_the_address_is_not_taken_for_the_server(stack):
    start(stack, stack.redis())
    foreign = Failing()
    foreign.url = stack.redis().url
    with pytest.raises(StartFailed, match="failing ended"):
        start(stack, foreign)


async def test_a_cancelled_start_leaves_nothing_running(stack):
    silent = Failing()
    silent.argv = ("sleep", "600")
    begun = asyncio.Event()
    task = asyncio.create_task(stack.start([stack.redis(), silent], lambda m: begun.set() if "failing" in m else None))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stack.state().processes == []


def test_a_failed_start_says_why_and_leaves_nothing_of_its_own(stack):
    before = start(stack, stack.redis())
    with pytest.raises(StartFailed, match="the disk is on fire"):
        start(stack, stack.redis(), stack.milvus(), Failing())
    assert {one.name: one.pid for one in stack.state().processes} == before


def test_a_recycled_pid_is_not_taken_for_ours(stack):
    start(stack, stack.redis())
    (record,) = stack.state().processes
    assert is_alive(record)
    assert not is_alive(replace(record, born="another-boot/1"))
    assert is_alive(replace(record, born=""))
    assert not is_alive(replace(record, born="", created_at=record.created_at - 60))


def test_a_change_of_the_clock_does_not_make_a_server_a_stranger(stack):
    start(stack, stack.redis())
    (record,) = stack.state().processes
    assert is_alive(replace(record, created_at=record.created_at - 3600))


def test_two_commands_do_not_work_on_one_data_directory_at_once(stack):
    file = StateFile(stack.data_dir)
    with file.lock(), pytest.raises(DataDirUnusable, match="another command"):
        stack.stop()


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirUnusable, match="file"):
        LocalStack(tmp_path / "file").stop()
