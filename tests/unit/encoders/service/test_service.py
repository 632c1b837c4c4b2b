"""The encoder service: many processes share a model; whoever is killed, the others go on and nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from encoders.errors import ModelUnavailable, WorkerProcessFailed, WorkerProcessUnavailable
from encoders.inference.runtime import Runtime
from encoders.port import HashEncoder
from encoders.processes.messages import EncoderSetup
from encoders.service.client import ServiceEncoder
from encoders.service.loop_client import EncoderClient
from encoders.service.opening import OpenEncoder
from encoders.service.server import EncoderService
from tests.paths import ROOT

TEXTS = ["a red shirt", "", "green apple"]


@pytest.fixture
def path() -> Iterator[Path]:
    # A short one: those of sockets are bounded.
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / "encoder"


@asynccontextmanager
async def serving(path: Path, deadline_s: float = 60.0) -> AsyncIterator[EncoderService]:
    async with EncoderService(path, deadline_s) as service:
        running = asyncio.create_task(service.run())
        yield service
        running.cancel()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_clients_share_one_process_and_it_ends_with_the_service(path: Path) -> None:
    async with serving(path) as service, EncoderClient(path, "hash") as one, EncoderClient(path, "hash") as other:
        for client in (one, other):
            texts, _ = await client.encode(TEXTS, [])
            np.testing.assert_array_equal(texts, HashEncoder().encode_texts(TEXTS))
        (pid,) = service.pids
    assert not psutil.pid_exists(pid)
    assert not _mode(path)


async def test_models_are_apart(path: Path) -> None:
    opened = EncoderClient(path, "hash"), EncoderClient(path, "hash-joint")
    async with serving(path) as service, opened[0] as parts, opened[1] as whole:
        assert (parts.spec.joint, whole.spec.joint) == (False, True)
        assert len(service.pids) == 2


async def test_only_its_user_reaches_it(path: Path) -> None:
    async with serving(path):
        assert _mode(path) == 0o600


async def test_a_model_that_cannot_be_loaded_is_named(path: Path) -> None:
    async with serving(path):
        with pytest.raises(ModelUnavailable, match="no model directory 'nowhere'"):
            async with EncoderClient(path, "nowhere"):
                pass


CLIENT = """
import sys
from pathlib import Path
from encoders.processes.messages import EncodeParts, EncoderSetup, encode_frame
from encoders.inference.runtime import Runtime
from encoders.service.client import ServiceEncoder
from encoders.service.opening import OpenEncoder

client = ServiceEncoder(Path(sys.argv[1]), OpenEncoder(EncoderSetup("hash", Runtime()), "indexing"))
client.encode(["warm"], [])
print("ready", flush=True)
sys.stdin.readline()
# More than it may have under way, and it takes no answer: until no buffer between the two has room.
frame = encode_frame(EncodeParts([b"mine"] * 500, []))
client._connection.settimeout(0.5)
try:
    while True:
        client._connection.sendall(frame)
except TimeoutError:
    print("full", flush=True)
sys.stdin.readline()
"""


async def test_a_client_that_is_killed_leaves_nothing_behind(path: Path) -> None:
    async with serving(path) as service, EncoderClient(path, "hash") as other:
        await other.encode(TEXTS, [])
        model = psutil.Process(service.pids[0])
        quiet = (await service.loads())[0].clients, model.num_fds(), model.num_threads()
        with _program(CLIENT, path) as client:
            assert client.stdin and client.stdout
            assert await asyncio.to_thread(client.stdout.readline) == "ready\n"
            assert (await service.loads())[0].clients == quiet[0] + 1
            client.stdin.write("go\n")
            client.stdin.flush()
            assert await asyncio.to_thread(client.stdout.readline) == "full\n"
            client.kill()

        async def is_quiet() -> bool:
            load = (await service.loads())[0]
            return (load.clients, model.num_fds(), model.num_threads()) == quiet and load.waiting == 0

        await until(is_quiet)
        assert service.pids == [model.pid]
        texts, _ = await other.encode(TEXTS, [])
        np.testing.assert_array_equal(texts, HashEncoder().encode_texts(TEXTS))


async def test_a_batch_whose_process_is_killed_is_encoded_by_the_next_one(path: Path) -> None:
    async with serving(path) as service, EncoderClient(path, "hash") as client:
        (before,) = service.pids
        os.kill(before, signal.SIGSTOP)
        batches = [asyncio.create_task(client.encode(TEXTS, [])) for _ in range(3)]
        await until(lambda: _true(client.silent_s() > 0))
        os.kill(before, signal.SIGKILL)
        for texts, _ in await asyncio.gather(*batches):
            np.testing.assert_array_equal(texts, HashEncoder().encode_texts(TEXTS))
        assert service.pids != [before]


async def test_a_device_that_hangs_is_found_out_without_clients_asking(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encoders.service.model_process.CHECK_S", 0.05)
    async with serving(path, deadline_s=0.3) as service, EncoderClient(path, "hash") as client:
        (before,) = service.pids
        os.kill(before, signal.SIGSTOP)
        await until(lambda: _true(service.pids != [before]))
        texts, _ = await client.encode(TEXTS, [])
        np.testing.assert_array_equal(texts, HashEncoder().encode_texts(TEXTS))


async def test_a_model_that_nobody_uses_gives_its_memory_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encoders.service.model_process.CHECK_S", 0.05)
    monkeypatch.setattr("encoders.service.model_process.IDLE_S", 0.1)
    async with serving(path) as service:
        async with EncoderClient(path, "hash"):
            (pid,) = service.pids
        await until(lambda: _true(not psutil.pid_exists(pid)))
        async with EncoderClient(path, "hash") as client:
            assert (await client.encode(TEXTS, []))[0].shape == (3, 64)


SERVICE = """
import asyncio, sys
from pathlib import Path
from encoders.service.server import EncoderService

async def main():
    async with EncoderService(Path(sys.argv[1])) as service:
        await service.run()

asyncio.run(main())
"""


async def test_a_service_that_is_killed_takes_its_model_with_it_and_the_next_one_goes_on(path: Path) -> None:
    with _program(SERVICE, path) as service:
        async with EncoderClient(path, "hash") as client:
            await client.encode(TEXTS, [])
            (model,) = psutil.Process(service.pid).children()
            service.kill()
            await asyncio.to_thread(psutil.wait_procs, [model], 10)
            assert not model.is_running()
            with pytest.raises(WorkerProcessUnavailable, match="no encoder service answers at"):
                await client.encode(TEXTS, [])
            with _program(SERVICE, path) as successor:
                await until(lambda: _answers(client))
                texts, _ = await client.encode(TEXTS, [])
                np.testing.assert_array_equal(texts, HashEncoder().encode_texts(TEXTS))
                successor.kill()


async def test_there_is_one_service_at_a_place(path: Path) -> None:
    async with serving(path):
        with pytest.raises(WorkerProcessUnavailable, match="another service answers there"):
            async with EncoderService(path):
                pass
        async with EncoderClient(path, "hash") as client:
            assert (await client.encode(TEXTS, []))[0].shape == (3, 64)


async def test_a_batch_that_is_late_is_given_up(path: Path) -> None:
    async with serving(path) as service, EncoderClient(path, "hash", deadline_s=2.0) as client:
        os.kill(service.pids[0], signal.SIGSTOP)
        with pytest.raises(WorkerProcessFailed, match=r"did not answer within 2 s"):
            await client.encode(TEXTS, [])
        os.kill(service.pids[0], signal.SIGCONT)
        assert (await client.encode(TEXTS, []))[0].shape == (3, 64)


async def test_a_thread_encodes_more_than_one_request_holds(path: Path) -> None:
    async with serving(path):
        opening = OpenEncoder(EncoderSetup("hash", Runtime()), "query")
        encoder = await asyncio.to_thread(ServiceEncoder, path, opening)
        pictures = [np.full((4, 4, 3), level, np.uint8) for level in range(150)]
        rows = await asyncio.to_thread(encoder.encode_images, pictures)
        np.testing.assert_array_equal(rows, HashEncoder().encode_images(pictures))
        encoder.close()


def _program(code: str, path: Path) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", code, str(path)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _mode(path: Path) -> int:
    """Who may use a socket; 0 where there is none."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0


async def _true(value: bool) -> bool:
    return value


async def _answers(client: EncoderClient) -> bool:
    try:
        await client.encode(["probe"], [])
    except WorkerProcessUnavailable:
        return False
    return True
