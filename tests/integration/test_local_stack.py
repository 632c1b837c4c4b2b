"""The embedded stack: real processes that start, are recognised, survive and end."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.errors import DataDirUnusable, StartFailed
from deploy.local.processes import is_alive
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
    assert [one.name for one in stack.dead()] == ["milvus"]
    again = start(stack, stack.redis(), stack.milvus())
    assert again["redis"] == pids["redis"] and again["milvus"] != pids["milvus"]
    assert stack.dead() == []


def test_a_failed_start_says_why_and_leaves_nothing_of_its_own(stack):
    before = start(stack, stack.redis())
    with pytest.raises(StartFailed, match="the disk is on fire"):
        start(stack, stack.redis(), stack.milvus(), Failing())
    assert {one.name: one.pid for one in stack.state().processes} == before


def test_a_recycled_pid_is_not_taken_for_ours(stack):
    start(stack, stack.redis())
    (record,) = stack.state().processes
    import msgspec

    assert is_alive(record)
    assert not is_alive(msgspec.structs.replace(record, created_at=record.created_at - 60))


def test_two_commands_do_not_work_on_one_data_directory_at_once(stack):
    file = StateFile(stack.data_dir)
    with file.lock(), pytest.raises(DataDirUnusable, match="another command"):
        stack.stop()


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirUnusable, match="file"):
        LocalStack(tmp_path / "file").stop()
