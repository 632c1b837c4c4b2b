"""An encoder in a process of its own answers as one in a thread does, and its death is survived."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import numpy as np
import psutil
import pytest

from encoders.errors import EncoderError, ModelUnavailable, SpecMismatch, WorkerProcessFailed, WorkerProcessUnavailable
from encoders.loading import load_encoder
from encoders.port import AsyncEncoder, HashEncoder, JointHashEncoder
from encoders.processes.encoder import PICTURES_PER_REQUEST, EncoderProcess, ThreadEncoder
from encoders.service.loop_client import EncoderClient
from encoders.service.server import EncoderService
from tests.paths import ROOT

PICTURES = [np.full((8, 8, 3), level, np.uint8) for level in (0, 90, 255)]
TEXTS = ["a red shirt", "", "green apple"]


@asynccontextmanager
async def _thread() -> AsyncIterator[AsyncEncoder]:
    with ThreadPoolExecutor(1) as executor:
        yield ThreadEncoder(HashEncoder(), executor)


@asynccontextmanager
async def _service(name: str = "hash") -> AsyncIterator[AsyncEncoder]:
    # A short path: those of sockets are bounded.
    with tempfile.TemporaryDirectory() as directory:
        async with EncoderService(Path(directory) / "encoder") as service:
            serving = asyncio.create_task(service.run())
            async with EncoderClient(Path(directory) / "encoder", name) as encoder:
                yield encoder
            serving.cancel()


@pytest.fixture(params=["process", "thread", "service"])
async def encoder(request: pytest.FixtureRequest) -> AsyncIterator[AsyncEncoder]:
    ways = {"process": lambda: EncoderProcess("hash"), "thread": _thread, "service": _service}
    async with ways[request.param]() as encoder:
        yield encoder


async def test_rows_are_the_encoders_own(encoder: AsyncEncoder) -> None:
    plain = HashEncoder()
    texts, images = await encoder.encode(TEXTS, PICTURES)
    assert encoder.spec == plain.spec
    np.testing.assert_array_equal(texts, plain.encode_texts(TEXTS))
    np.testing.assert_array_equal(images, plain.encode_images(PICTURES))


async def test_a_batch_of_any_size_keeps_its_order(encoder: AsyncEncoder) -> None:
    plain = HashEncoder()
    pictures = [np.full((4, 4, 3), level, np.uint8) for level in range(2 * PICTURES_PER_REQUEST + 1)]
    texts, images = await encoder.encode(TEXTS, pictures)
    np.testing.assert_array_equal(texts, plain.encode_texts(TEXTS))
    np.testing.assert_array_equal(images, plain.encode_images(pictures))


@pytest.mark.parametrize("kind", ["process", "thread", "service"])
async def test_whole_products_of_any_number_keep_their_order(kind: str) -> None:
    plain = JointHashEncoder()
    texts = [f"kettle {number}" if number % 3 else "" for number in range(2 * PICTURES_PER_REQUEST)]
    images = [PICTURES[: number % 4] for number in range(2 * PICTURES_PER_REQUEST)]
    with ThreadPoolExecutor(1) as executor:
        ways = {
            "process": lambda: EncoderProcess("hash-joint"),
            "thread": lambda: nullcontext(ThreadEncoder(plain, executor)),
            "service": lambda: _service("hash-joint"),
        }
        async with ways[kind]() as encoder:
            assert encoder.spec == plain.spec and encoder.spec.joint
            rows = await encoder.encode_products(texts, images)
            none = await encoder.encode_products(texts[:0], images[:0])
    np.testing.assert_array_equal(rows, plain.encode_products(texts, images))
    assert none.shape == (0, plain.spec.dim)


async def test_an_encoder_of_parts_refuses_whole_products(encoder: AsyncEncoder) -> None:
    with pytest.raises(SpecMismatch, match="hash@1 embeds texts and pictures, not whole products"):
        await encoder.encode_products(TEXTS, [[], [], PICTURES])
    assert (await encoder.encode(TEXTS, []))[0].shape == (3, 64)


async def test_an_empty_side_gives_no_rows_of_the_right_width(encoder: AsyncEncoder) -> None:
    texts, images = await encoder.encode([], PICTURES)
    assert (texts.shape, images.shape) == ((0, 64), (3, 64))
    texts, images = await encoder.encode(TEXTS, [])
    assert (texts.shape, images.shape) == ((3, 64), (0, 64))


async def test_calls_at_once_get_their_own_rows_in_order(encoder: AsyncEncoder) -> None:
    done: list[int] = []

    async def call(number: int) -> None:
        texts, _ = await encoder.encode([f"text {number}"], [])
        np.testing.assert_array_equal(texts, HashEncoder().encode_texts([f"text {number}"]))
        done.append(number)

    await asyncio.gather(*map(call, range(30)))
    assert done == list(range(30))


async def test_a_batch_that_the_encoder_refuses_fails_alone(encoder: AsyncEncoder) -> None:
    with pytest.raises((UnicodeEncodeError, EncoderError), match="surrogates not allowed"):
        await encoder.encode(["lone \ud800"], [])
    texts, _ = await encoder.encode(TEXTS, [])
    assert texts.shape == (3, 64)


async def test_the_process_says_what_prepares_its_pictures_and_for_how_long_it_computed() -> None:
    async with EncoderProcess("hash") as encoder:
        assert encoder.preparer == HashEncoder().preparer
        assert encoder.device_s == 0.0
        await encoder.encode(TEXTS, [])
        assert encoder.device_s > 0.0


async def test_a_process_killed_in_a_call_fails_it_and_is_replaced_for_the_next() -> None:
    async with EncoderProcess("hash") as encoder:
        pid = encoder.pid
        os.kill(pid, signal.SIGSTOP)
        calls = [asyncio.create_task(encoder.encode(TEXTS, [])) for _ in range(2)]
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        for failed in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(failed, WorkerProcessFailed)
            assert str(failed) == f"the encoder 'hash' (process {pid}) was killed by SIGKILL"
        texts, _ = await encoder.encode(TEXTS, [])
        np.testing.assert_array_equal(texts, HashEncoder().encode_texts(TEXTS))
        assert encoder.pid != pid


async def test_a_process_that_hangs_is_given_up_at_the_deadline() -> None:
    async with EncoderProcess("hash", deadline_s=0.3) as encoder:
        os.kill(encoder.pid, signal.SIGSTOP)
        with pytest.raises(WorkerProcessFailed, match=r"did not answer within 0\.3 s"):
            await encoder.encode(TEXTS, [])
        assert (await encoder.encode(TEXTS, []))[0].shape == (3, 64)


async def test_a_call_given_up_leaves_no_rows_behind_for_others() -> None:
    async with EncoderProcess("hash") as encoder:
        os.kill(encoder.pid, signal.SIGSTOP)
        abandoned = [asyncio.create_task(encoder.encode(["other"], PICTURES)) for _ in range(4)]
        await asyncio.sleep(0)
        for call in abandoned:
            call.cancel()
        await asyncio.wait(abandoned)
        os.kill(encoder.pid, signal.SIGCONT)
        texts, _ = await encoder.encode(TEXTS, [])
        np.testing.assert_array_equal(texts, HashEncoder().encode_texts(TEXTS))


async def test_a_model_that_cannot_be_loaded_is_named() -> None:
    with pytest.raises(ModelUnavailable, match="no model directory 'nowhere'"):
        async with EncoderProcess("nowhere"):
            pass


async def test_a_process_that_is_not_ready_in_time_is_given_up() -> None:
    with pytest.raises(WorkerProcessUnavailable, match=r"not ready within 0\.01 s"):
        async with EncoderProcess("hash", start_deadline_s=0.01):
            pass


async def test_outside_its_context_there_is_no_encoder() -> None:
    encoder = EncoderProcess("hash")
    with pytest.raises(WorkerProcessUnavailable, match="not loaded yet"):
        _ = encoder.spec
    async with encoder:
        pid = encoder.pid
    assert not psutil.pid_exists(pid)
    with pytest.raises(WorkerProcessUnavailable, match="closed"):
        await encoder.encode(TEXTS, [])


async def test_a_model_replaced_under_a_running_worker_is_noticed(checkpoints_root: Path, tmp_path: Path) -> None:
    directory = tmp_path / "clip"
    shutil.copytree(checkpoints_root / "clip", directory)
    pictures = [np.full((32, 32, 3), level, np.uint8) for level in (10, 200)]
    plain = load_encoder(str(directory), "cpu")
    async with EncoderProcess(str(directory), "cpu") as encoder:
        texts, images = await encoder.encode(["red \ud800 shirt"], pictures)
        np.testing.assert_allclose(texts, plain.encode_texts(["red \ud800 shirt"]), atol=1e-5)
        np.testing.assert_allclose(images, plain.encode_images(pictures), atol=1e-5)
        config = directory / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"logit_scale_init_value": 1.0}))
        child = psutil.Process(encoder.pid)
        child.kill()
        await asyncio.to_thread(psutil.wait_procs, [child], 10)
        with pytest.raises(SpecMismatch, match="came back as"):
            await encoder.encode(TEXTS, [])


PARENT = """
import asyncio
from encoders.processes.image_decoding import ImageDecoderPool
from encoders.processes.encoder import EncoderProcess
from tests.unit.encoders.pictures import SLEEP, Hostile, jpeg

async def main():
    async with ImageDecoderPool(Hostile()) as pool, EncoderProcess("hash") as encoder:
        decoding = asyncio.create_task(pool.decode([jpeg(width=SLEEP)]))
        await asyncio.sleep(0)
        print(*pool.pids, encoder.pid, flush=True)
        await decoding

asyncio.run(main())
"""


def test_children_do_not_outlive_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(children) == 2
    assert psutil.wait_procs(children, timeout=10)[1] == []


async def test_signals_to_the_whole_group_leave_ending_to_the_parent() -> None:
    async with EncoderProcess("hash") as encoder:
        os.kill(encoder.pid, signal.SIGINT)
        os.kill(encoder.pid, signal.SIGTERM)
        assert (await encoder.encode(TEXTS, []))[0].shape == (3, 64)
