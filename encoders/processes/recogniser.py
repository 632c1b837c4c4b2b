"""A recogniser in a process of its own, replaced by one that has learnt more while it goes on listening."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from encoders.processes.messages import ErrorMessage, RecogniserReady, RecogniserSetup, Transcribed
from encoders.processes.pool import WorkerPool
from encoders.processes.worker import WorkerProcess, WorkerProgram
from encoders.speech.port import OFFLINE_MODEL, SpokenVocabulary, Transcript

_READY: Final = msgspec.msgpack.Decoder(RecogniserReady | ErrorMessage)
_ANSWER: Final = msgspec.msgpack.Decoder(Transcribed | ErrorMessage)


@dataclass(frozen=True, slots=True)
class SpeechConfig:
    """The model that makes text of speech."""

    model: str = OFFLINE_MODEL
    """`pocketsphinx` (English, offline), or a directory or hub name of a checkpoint such as Whisper."""
    device: str = "auto"
    deadline_s: float = 60.0
    """The longest that one sound may take."""
    start_deadline_s: float = 900.0
    """The longest that loading may take, which may fetch the model first."""
    ahead: bool = True
    """Whether the offline default learns the catalogue's words before anybody speaks: the first who does need not wait
    for it, and its process is there from the start."""

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("speech.model must not be empty: pocketsphinx is the offline default")
        for name in ("deadline_s", "start_deadline_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"speech.{name} must be above 0, not {getattr(self, name):g}")


class RecogniserProcess:
    """`Recogniser` in a child process that starts with the first lesson or sound; an async context manager.

    A start goes on when its caller gives up, so that the next caller finds it done.
    """

    def __init__(self, config: SpeechConfig | None = None) -> None:
        self._config = config or SpeechConfig()
        self.key = self._config.model
        self._pool: WorkerPool | None = None
        self._starting: asyncio.Task[WorkerPool] | None = None
        self._vocabulary: SpokenVocabulary | None = None
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def is_adaptable(self) -> bool:
        """Whether `learn` makes a difference."""
        return self._config.model == OFFLINE_MODEL

    @property
    def is_running(self) -> bool:
        """Whether there is a process that listens, or there will be soon."""
        return self._pool is not None or self._starting is not None

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that run."""
        return self._pool.pids if self._pool else []

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

    async def adapt(self, spoken: SpokenVocabulary) -> None:
        """Expect these words from now on: another process learns them while this one goes on.

        Raises what `transcribe` raises of starting a process; the former one stays then.
        """
        self._vocabulary = spoken
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
        crew = await self._current_pool()
        heard = await crew.request(samples.tobytes(), _ANSWER.decode)
        if isinstance(heard, ErrorMessage):
            raise heard.to_error()
        return heard.transcript

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
            name=f"recogniser {config.model!r}",
            module="encoders.workers.recogniser",
            setup_message=RecogniserSetup(config.model, config.device, self._vocabulary if self.is_adaptable else None),
            deadline_s=config.deadline_s,
            start_deadline_s=config.start_deadline_s,
        )
        crew = WorkerPool(lambda: _start_worker(program), in_flight=1)
        await crew.start()
        return crew


async def _start_worker(program: WorkerProgram) -> WorkerProcess:
    child = await WorkerProcess.start(program)
    try:
        ready = _READY.decode(child.ready_message)
    except msgspec.MsgspecError as error:
        await child.close()
        raise WorkerProcessUnavailable(f"the {child} greeted with nonsense") from error
    if isinstance(ready, ErrorMessage):
        await child.close()
        raise ready.to_error()
    return child


async def _drain_and_close(crew: WorkerPool, within_s: float) -> None:
    """Close a crew once it has answered what it was asked, or has had the time for that."""
    try:
        async with asyncio.timeout(within_s):
            await crew.drain()
    except (TimeoutError, WorkerProcessFailed):
        pass
    await crew.close()
