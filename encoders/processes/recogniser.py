"""A speech recogniser in a worker process; while another process loads a new vocabulary, the present one goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from encoders.inference.runtime import Runtime
from encoders.processes.messages import ErrorMessage, RecogniserReady, RecogniserSetup, Transcribed
from encoders.processes.pool import WorkerPool
from encoders.processes.worker import WorkerProcess, WorkerProgram
from encoders.speech.port import ADAPTABLE_MODELS, AUTO_MODEL, SpokenVocabulary, Transcript
from encoders.speech.selection import LANGUAGES, chosen_model

_READY: Final = msgspec.msgpack.Decoder(RecogniserReady | ErrorMessage)
_ANSWER: Final = msgspec.msgpack.Decoder(Transcribed | ErrorMessage)


@dataclass(frozen=True, slots=True)
class SpeechConfig:
    """The model that makes text of speech."""

    model: str = AUTO_MODEL
    """`auto` (`whisper-base` where the extra `voice` is installed, otherwise `pocketsphinx`), one of these two, or a
    directory or hub name of a checkpoint."""
    device: str = "auto"
    languages: tuple[str, ...] = LANGUAGES
    """What is spoken, by two-letter codes: `whisper-base` takes the likeliest of these."""
    deadline_s: float = 60.0
    """The longest that one sound may take, in seconds."""
    start_deadline_s: float = 900.0
    """The longest that loading may take, in seconds; it may have to fetch the model first."""
    ahead: bool = True
    """Whether an offline recogniser is started with the catalogue's words before the first spoken query, which then
    need not wait for it; the process takes its memory from then on."""

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("speech.model must not be empty: auto takes the best recogniser that is installed")
        if not self.languages:
            raise ValueError("speech.languages must not be empty: name what is spoken, such as en")
        for name in ("deadline_s", "start_deadline_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"speech.{name} must be above 0, not {getattr(self, name):g}")


class RecogniserProcess:
    """`AdaptableRecogniser` in a worker process; an async context manager.

    The process starts with the first sound, or with the first vocabulary where the configuration says so. A start goes
    on when its caller is cancelled, and serves the next caller.
    """

    def __init__(self, config: SpeechConfig | None = None, cache: Path | None = None) -> None:
        """Args: cache: the directory of models that were made ready; None: the user's."""
        self._config = config or SpeechConfig()
        self._cache = cache or Runtime().cache_path
        self.key = chosen_model(self._config.model)
        self._pool: WorkerPool | None = None
        self._starting: asyncio.Task[WorkerPool] | None = None
        self._vocabulary: SpokenVocabulary | None = None
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def is_adaptable(self) -> bool:
        """Whether `adapt` makes a difference."""
        return self.key in ADAPTABLE_MODELS

    @property
    def is_running(self) -> bool:
        """Whether a process runs or is being started."""
        return self._pool is not None or self._starting is not None

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return self._pool.pids if self._pool else []

    def silent_s(self) -> float:
        """For how long it has been without an answer to what it was asked, in seconds; 0 while it is idle."""
        return self._pool.silent_s() if self._pool else 0.0

    def starting_s(self) -> float:
        """For how long its process is started anew, in seconds. The first start is waited for by nobody."""
        return self._pool.starting_s() if self._pool else 0.0

    async def __aenter__(self) -> RecogniserProcess:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._pool is not None:
            await self._pool.close()
        if self._retiring:
            await asyncio.wait(self._retiring)

    async def adapt(self, vocabulary: SpokenVocabulary) -> None:
        """Expect these words from now on: a process with them is started and then takes the place of the present one.

        Raises what `transcribe` raises where no process can be started; the present one stays then.
        """
        self._vocabulary = vocabulary
        if self.is_running:
            await self._current_pool()
            former, self._pool = self._pool, await self._start_pool()
            if former is not None:
                task = asyncio.create_task(_drain_and_close(former, self._config.deadline_s))
                self._retiring.add(task)
                task.add_done_callback(self._retiring.discard)
        elif self._config.ahead and self.is_adaptable:
            await self._current_pool()

    async def transcribe(self, samples: NDArray[np.int16]) -> Transcript:
        """What is said in mono int16 samples (n,) at 16 kHz. Raises as `Recogniser` says."""
        pool = await self._current_pool()
        answer = await pool.request(samples.tobytes(), _ANSWER.decode)
        if isinstance(answer, ErrorMessage):
            raise answer.to_error()
        return answer.transcript

    async def _current_pool(self) -> WorkerPool:
        if self._pool is not None:
            return self._pool
        if self._starting is None or (self._starting.done() and self._starting.exception() is not None):
            self._starting = asyncio.create_task(self._start_pool())
        started = await asyncio.shield(self._starting)
        if self._pool is None:
            self._pool = started
        return self._pool

    async def _start_pool(self) -> WorkerPool:
        config = self._config
        program = WorkerProgram(
            name=f"recogniser {self.key!r}",
            module="encoders.workers.recogniser",
            setup_message=RecogniserSetup(
                self.key,
                config.device,
                list(config.languages),
                str(self._cache),
                self._vocabulary if self.is_adaptable else None,
            ),
            deadline_s=config.deadline_s,
            start_deadline_s=config.start_deadline_s,
            inheritance="model",
        )
        pool = WorkerPool(lambda: _start_worker(program), in_flight=1)
        await pool.start()
        return pool


async def _start_worker(program: WorkerProgram) -> WorkerProcess:
    worker = await WorkerProcess.start(program)
    try:
        ready = _READY.decode(worker.ready_message)
    except msgspec.MsgspecError as error:
        await worker.close()
        raise WorkerProcessUnavailable(f"the {worker} said something else than that it is ready") from error
    if isinstance(ready, ErrorMessage):
        await worker.close()
        raise ready.to_error()
    worker.note_unconfined(ready.missing)
    return worker


async def _drain_and_close(pool: WorkerPool, within_s: float) -> None:
    """Close a pool once its requests are answered, or after so long."""
    try:
        async with asyncio.timeout(within_s):
            await pool.drain()
    except (TimeoutError, WorkerProcessFailed):
        pass
    await pool.close()
