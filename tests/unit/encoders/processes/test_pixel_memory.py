"""Pixels that decoders left in shared memory are read there by the encoder, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from encoders.errors import EncoderError
from encoders.media.preparation import Pixels
from encoders.port import HashEncoder
from encoders.processes.encoder import EncoderProcess
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool
from encoders.processes.messages import picture_from_message, picture_to_message
from encoders.processes.pixel_memory import PixelMemory, PixelMemorySetup, ReadPixels
from encoders.service.loop_client import EncoderClient
from encoders.service.opening import receive_with_file
from encoders.service.server import EncoderService
from tests.unit.encoders.pictures import colour_of, jpeg

FILES = [jpeg(colour_of(number), 20, 20) for number in range(9)]
ONE = DecodingConfig(processes=1, deadline_s=30)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no such memory on this system")


@asynccontextmanager
async def _served() -> AsyncIterator[EncoderClient]:
    # A short path: those of sockets are bounded.
    with tempfile.TemporaryDirectory() as directory:
        async with EncoderService(Path(directory) / "encoder") as service:
            serving = asyncio.create_task(service.run())
            async with EncoderClient(Path(directory) / "encoder", "hash") as client:
                yield client
            serving.cancel()


@pytest.fixture(params=["process", "service"])
async def encoder(request: pytest.FixtureRequest) -> AsyncIterator[EncoderProcess | EncoderClient]:
    async with EncoderProcess("hash") if request.param == "process" else _served() as encoder:
        yield encoder


@pytest.fixture
async def pictures(encoder: EncoderProcess | EncoderClient) -> AsyncIterator[list[Pixels]]:
    """Decoded pictures, all of them in the memory that the encoder reads."""
    async with ImageDecoderPool(encoder.preparer, ONE, encoder.memory) as pool:
        decoded = [picture for picture in await pool.decode(FILES) if isinstance(picture, np.ndarray)]
        assert encoder.memory is not None and len(decoded) == len(FILES)
        assert None not in [encoder.memory.start_of(picture) for picture in decoded]
        yield decoded


async def test_rows_are_those_of_pictures_that_are_sent(
    encoder: EncoderProcess | EncoderClient, pictures: list[Pixels]
) -> None:
    elsewhere = np.full((8, 8, 3), 7, np.uint8)
    _, rows = await encoder.encode([], [*pictures, elsewhere, pictures[0][:, ::-1]])
    expected = HashEncoder().encode_images([*pictures, elsewhere, pictures[0][:, ::-1]])
    np.testing.assert_array_equal(rows, expected)


async def test_an_encoder_that_was_killed_reads_them_again(
    encoder: EncoderProcess | EncoderClient, pictures: list[Pixels]
) -> None:
    for child in psutil.Process().children():
        if any("encoders.workers.encoder" in word for word in child.cmdline()):
            os.kill(child.pid, signal.SIGKILL)
            child.wait(10)
    while True:
        try:
            _, rows = await encoder.encode([], pictures)
            break
        except EncoderError:
            # A process that has just died: the next batch starts another.
            continue
    np.testing.assert_array_equal(rows, HashEncoder().encode_images(pictures))


async def test_a_place_that_there_is_not_is_refused(
    encoder: EncoderProcess | EncoderClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert encoder.memory is not None
    picture = np.zeros((8, 8, 3), np.uint8)
    for start in (encoder.memory.size, encoder.memory.size - 1, 2**62):
        monkeypatch.setattr(encoder.memory, "start_of", lambda _, start=start: start)
        with pytest.raises(EncoderError):
            await encoder.encode([], [picture])
    monkeypatch.undo()
    np.testing.assert_array_equal((await encoder.encode([], [picture]))[1], HashEncoder().encode_images([picture]))


def test_memory_that_could_become_shorter_is_not_mapped() -> None:
    for sealed, size in ((False, 4096), (True, 8192)):
        memory = PixelMemory(4096)
        descriptor = os.dup(memory.descriptor) if sealed else os.memfd_create("pixels")
        os.truncate(descriptor, 4096)
        with pytest.raises(ValueError, match="fixed length"):
            ReadPixels(PixelMemorySetup(descriptor, size))


def test_a_picture_in_memory_that_nobody_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody shared"):
        picture_from_message((8, 8, 0))


def test_only_whole_pixels_in_the_memory_are_named() -> None:
    memory = PixelMemory(1024)
    inside = np.frombuffer(memoryview(memory.part(64, 192)), np.uint8).reshape(8, 8, 3)
    assert picture_to_message(inside, memory) == (8, 8, 64)
    assert isinstance(picture_to_message(inside[:, ::2], memory)[2], memoryview)
    assert isinstance(picture_to_message(inside.copy(), memory)[2], memoryview)


def test_a_file_comes_with_the_bytes_that_it_was_sent_with() -> None:
    memory = PixelMemory(1024)
    for header, descriptors in ((b"12345678", [memory.descriptor]), (b"87654321", [])):
        ours, its = socket.socketpair()
        with ours, its:
            socket.send_fds(ours, [header + b"rest"], descriptors)
            received, file = receive_with_file(its, 8)
            assert received == header and (file is not None) == bool(descriptors)
            if file is not None:
                os.close(file)
