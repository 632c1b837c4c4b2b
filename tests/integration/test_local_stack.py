"""The embedded stack: real processes that start, are recognised, survive and end."""

import asyncio
import os
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from msgspec.structs import replace
from pymilvus import MilvusClient

from deploy.local.errors import DataDirUnusable, StartFailed
from deploy.local.log_rotation import rotate_logs
from deploy.local.processes import free_port, is_alive, log_tail
from deploy.local.redis import EmbeddedRedis, find_redis
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
    return {process.name: process.pid for process in state.processes}


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
    assert [process.name for process in stack.crashed()] == ["milvus"]
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
    urls = [service.url for service in services]
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
    assert [service.url for service in services] == urls
    start(stack, *services)
    assert asyncio.run(kafka_first(urls[0])) == big
    client = MilvusClient(urls[2])
    assert client.get("c", [7])[0]["id"] == 7
    client.close()
    assert asyncio.run(redis_call(stack, "GET", "k")) == b"v"
    assert [path.name for path in tmp_path.iterdir()] == [stack.data_dir.name]


def test_what_is_started_anew_is_still_stopped_after_what_depends_on_it(stack):
    pids = start(stack, stack.redis(), stack.milvus())
    process = psutil.Process(pids["redis"])
    process.kill()
    process.wait(10)
    start(stack, stack.redis(), stack.milvus())
    assert stack.stop() == ["milvus", "redis"]


def test_a_port_that_another_program_has_taken_is_given_up_for_a_free_one(stack):
    url = stack.milvus().url
    with closing(socket.create_server(("127.0.0.1", urlsplit(url).port))):
        service = stack.milvus()
        assert service.url != url
        start(stack, service)


def test_redis_takes_nobody_who_is_not_its_owner(stack):
    pid = start(stack, stack.redis())["redis"]
    assert not [
        connection
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    path = Path(unquote(urlsplit(stack.redis().url).path))
    assert path.is_socket() and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(stack.data_dir.stat().st_mode) == 0o700


def _is_open(path: Path) -> bool:
    """Whether anybody but its owner may do anything with it; what a link is, is what it leads to."""
    return not path.is_symlink() and bool(path.stat().st_mode & 0o077)


def test_what_is_started_and_what_it_makes_are_for_their_owner_alone(stack):
    start(stack, stack.redis(), stack.milvus())
    asyncio.run(redis_call(stack, "SET", "k", "v"))
    assert [str(path) for path in stack.data_dir.rglob("*") if _is_open(path)] == []


@pytest.fixture
def short_directory() -> Iterator[str]:
    """A directory for temporary files whose name is short, as the system's own is."""
    with tempfile.TemporaryDirectory() as directory:
        yield directory


def test_a_data_dir_whose_name_is_too_long_for_a_socket_has_it_in_a_short_place(
    tmp_path, request, monkeypatch, short_directory
):
    monkeypatch.setattr(tempfile, "tempdir", short_directory)
    stack = LocalStack(tmp_path / ("long" * 25))
    request.addfinalizer(stack.stop)
    pids = start(stack, stack.redis())
    asyncio.run(redis_call(stack, "SET", "k", "v"))
    path = Path(unquote(urlsplit(stack.redis().url).path))
    assert stack.data_dir not in path.parents and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert start(stack, stack.redis()) == pids
    stack.stop()
    # What lies in a shared place by then may be anybody's.
    path.parent.chmod(0o755)
    start(stack, stack.redis())
    assert Path(unquote(urlsplit(stack.redis().url).path)) != path
    assert asyncio.run(redis_call(stack, "GET", "k")) == b"v"


class RedisOfVersion02(EmbeddedRedis):
    """As an older version started it: on the loopback interface."""

    def __init__(self, directory: Path, port: int) -> None:
        super().__init__(directory, directory / "unused", f"redis://127.0.0.1:{port}/0")
        self.port = str(port)

    @property
    def argv(self) -> list[str]:
        return [find_redis(), "--bind", "127.0.0.1", "--port", self.port, "--dir", ".", "--appendonly", "yes"]


def test_a_redis_that_an_older_version_left_running_is_used_until_it_is_stopped(stack):
    pids = start(stack, RedisOfVersion02(stack.data_dir / "redis", free_port()))
    asyncio.run(redis_call(stack, "SET", "k", "v"))
    service = stack.redis()
    assert service.url.startswith("redis://127.0.0.1:")
    said: list[str] = []
    asyncio.run(stack.start([service], said.append))
    assert "redis takes everybody" in said[0] and {process.pid for process in stack.state().processes} == {
        pids["redis"]
    }
    stack.stop()
    start(stack, stack.redis())
    assert stack.redis().url.startswith("unix://")
    assert asyncio.run(redis_call(stack, "GET", "k")) == b"v"


def test_the_end_of_a_log_that_was_just_put_away_is_still_told(stack):
    start(stack, stack.redis())
    (record,) = stack.state().processes
    log = Path(record.log)
    with log.open("a") as file:
        file.write("".join(f"line {number}\n" for number in range(100)))
    assert rotate_logs(log.parent, max_bytes=100) == [log]
    assert log.stat().st_size == 0 and "line 99" in log_tail(record)
    # Its writer goes on at the new beginning.
    asyncio.run(redis_call(stack, "CONFIG", "SET", "loglevel", "debug"))
    os.kill(record.pid, signal.SIGTERM)
    psutil.Process(record.pid).wait(10)
    assert "Redis is now ready to exit" in log.read_text() and "\0" not in log.read_text()


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
    assert {process.name: process.pid for process in stack.state().processes} == before


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
