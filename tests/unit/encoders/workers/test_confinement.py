"""What a decoder cannot do, tried from inside a real one; and that it decodes all the same."""

from __future__ import annotations

import io
import os
import wave
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from encoders.media.preparation import FixedSizePreparer
from encoders.processes import worker
from encoders.processes.encoder import EncoderProcess
from encoders.processes.environment import worker_environment
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool
from encoders.processes.media_decoding import MediaDecoderProcess
from encoders.processes.recogniser import RecogniserProcess
from encoders.workers.syscall_filter import Refusals, filter_program
from tests.unit.encoders.pictures import SMALL, jpeg
from tests.unit.encoders.workers.probing_preparer import DONE, FIRST_WIDTH, PROBES, Counting, Probing

ONE = DecodingConfig(processes=1, deadline_s=30)


@pytest.mark.parametrize("name", PROBES)
async def test_a_decoder_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_MILVUS_TOKEN", "a secret")
    monkeypatch.setenv("MY_SECRET", "another")
    width = FIRST_WIDTH + list(PROBES).index(name)
    async with ImageDecoderPool(Probing(), ONE) as pool:
        (outcome,) = await pool.decode([jpeg(width=width)])
        assert isinstance(outcome, np.ndarray), outcome
        level = int(outcome[0, 0, 0])
        assert level != DONE and level in PROBES[name][1], os.strerror(level)
        assert len(pool.pids) == 1


async def test_a_decoder_has_no_files_but_its_own_and_no_thread_but_three() -> None:
    inheritable = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(inheritable, True)
    try:
        async with ImageDecoderPool(Counting(), ONE) as pool:
            (outcome,) = await pool.decode([jpeg()])
            assert isinstance(outcome, np.ndarray), outcome
            files, threads, _ = outcome[0, 0]
            # Standard input, output, error, the log, and the socket.
            assert (files, threads) == (5, 3)
    finally:
        os.close(inheritable)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
async def test_a_confined_decoder_decodes_each_format(kind: str) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.linear_gradient("L").convert("RGB").resize((300, 200)).save(file, kind, exif=exif)
    preparer = FixedSizePreparer(shortest_edge=64, crop=(64, 64), trim=True)
    async with ImageDecoderPool(preparer, ONE) as pool:
        pids = pool.pids
        (outcome,) = await pool.decode([file.getvalue()])
        assert isinstance(outcome, np.ndarray), outcome
        assert pool.pids == pids


async def test_a_confined_decoder_decodes_sounds_and_clips() -> None:
    sound, clip = io.BytesIO(), io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", ""))
        file.writeframes(bytes(4 * 44_100))
    frames = [Image.linear_gradient("L").rotate(90 * turn) for turn in range(3)]
    frames[0].save(clip, "GIF", save_all=True, append_images=frames[1:])
    async with MediaDecoderProcess(SMALL) as decoder:
        samples = await decoder.sound(sound.getvalue(), 5)
        pictures = await decoder.frames(clip.getvalue())
        assert isinstance(samples, np.ndarray) and len(samples) == 16_000
        assert isinstance(pictures, list) and pictures


async def test_what_libraries_say_of_broken_files_does_not_fill_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    file = io.BytesIO()
    Image.effect_noise((200, 200), 64).convert("1").save(file, "TIFF", compression="group4")
    broken = bytearray(file.getvalue())
    broken[100:140] = bytes(40)
    async with ImageDecoderPool(SMALL, ONE) as pool:
        await pool.decode([bytes(broken), file.getvalue()[:-20]])
    assert "Fax" not in capfd.readouterr().err


async def test_models_have_the_filter_too_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_REDIS_URL", "redis://:secret@host")
    async with EncoderProcess("mini") as encoder, RecogniserProcess() as recogniser:
        await encoder.encode(["a red dress"], [])
        await recogniser.transcribe(np.zeros(16_000, np.int16))
        for pid in (encoder.pid, *recogniser.pids):
            assert _status(pid)["Seccomp"] == "2" and _status(pid)["NoNewPrivs"] == "1"
            assert not any(name.startswith("VITRINE_") for name in psutil.Process(pid).environ())
            assert psutil.Process(pid).rlimit(psutil.RLIMIT_CORE) == (0, 0)


async def test_where_the_kernel_refuses_a_worker_says_so_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_told_unconfined", set[str]())
    async with ImageDecoderPool(SMALL, ONE) as pool:
        process = await worker.WorkerProcess.start(pool._program)
        for _ in range(3):
            process.note_unconfined(["seccomp: Operation not permitted"])
        await process.close()
    told = [record for record in caplog.records if record.getMessage() == "worker_not_confined"]
    assert [record.__dict__["missing"] for record in told] == ["seccomp: Operation not permitted"]


def test_the_environment_is_what_is_listed() -> None:
    inherited = {"VITRINE_MILVUS_TOKEN": "t", "AWS_SECRET_ACCESS_KEY": "s", "HF_TOKEN": "h", "LC_ALL": "C", "TZ": "UTC"}
    decoder = worker_environment("decoder", {"OMP_NUM_THREADS": "1"}, inherited)
    assert decoder.keys() == {"LC_ALL", "TZ", "OMP_NUM_THREADS", "PYTHONPATH"}
    assert worker_environment("model", {}, inherited).keys() == {"LC_ALL", "TZ", "HF_TOKEN", "PYTHONPATH"}


def test_a_filter_fits_into_the_kernel_and_skips_calls_that_there_are_not() -> None:
    program = filter_program(0xC000003E, {"socket": 41, "clone": 56}, Refusals(), 7)
    assert all(len(instruction) == 8 for instruction in program)
    assert len(program) < 4_096
    assert len(program) < len(filter_program(0xC000003E, {"socket": 41, "clone": 56, "kill": 62}, Refusals(), 7))


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
