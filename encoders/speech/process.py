"""A recogniser in a process of its own, replaced by one that has learnt more while it goes on listening."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from encoders.children.child import Child, Program
from encoders.children.crew import Crew
from encoders.children.frames import Failure, Heard, ListenerReady, ListenerSetup
from encoders.errors import ChildFailed, ChildUnavailable
from encoders.speech.port import OFFLINE, SpokenWords, Transcript

_READY: Final = msgspec.msgpack.Decoder(ListenerReady | Failure)
_ANSWER: Final = msgspec.msgpack.Decoder(Heard | Failure)


@dataclass(frozen=True, slots=True)
class SpeechConfig:
    """The model that makes text of speech."""

    model: str = OFFLINE
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
        self._crew: Crew | None = None
        self._starting: asyncio.Task[Crew] | None = None
        self._spoken: SpokenWords | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def learns(self) -> bool:
        """Whether `learn` makes a difference."""
        return self._config.model == OFFLINE

    @property
    def listens(self) -> bool:
        """Whether there is a process that listens, or there will be soon."""
        return self._crew is not None or self._starting is not None

    @property
    def pids(self) -> list[int]:
        """Process ids of the children that run."""
        return self._crew.pids if self._crew else []

    async def __aenter__(self) -> RecogniserProcess:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        if self._crew is not None:
            await self._crew.close()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def learn(self, spoken: SpokenWords) -> None:
        """Expect these words from now on: another process learns them while this one goes on.

        Raises what `transcribe` raises of starting a process; the former one stays then.
        """
        self._spoken = spoken
        if self.listens:
            await self._current()
            former, self._crew = self._crew, await self._start()
            if former is not None:
                task = asyncio.create_task(_retire(former, self._config.deadline_s))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)
        elif self._config.ahead and self.learns:
            await self._current()

    async def transcribe(self, samples: NDArray[np.int16]) -> Transcript:
        crew = await self._current()
        heard = await crew.ask(samples.tobytes(), _ANSWER.decode)
        if isinstance(heard, Failure):
            raise heard.error()
        return heard.transcript

    async def _current(self) -> Crew:
        if self._crew is not None:
            return self._crew
        if self._starting is None or (self._starting.done() and self._starting.exception() is not None):
            self._starting = asyncio.create_task(self._start())
        started = await asyncio.shield(self._starting)
        if self._crew is None:
            self._crew = started
        return self._crew

    async def _start(self) -> Crew:
        config = self._config
        program = Program(
            what=f"recogniser {config.model!r}",
            module="encoders.children.recognise",
            setup=ListenerSetup(config.model, config.device, self._spoken if self.learns else None),
            deadline_s=config.deadline_s,
            start_deadline_s=config.start_deadline_s,
        )
        crew = Crew(lambda: _started(program), in_flight=1)
        await crew.start()
        return crew


async def _started(program: Program) -> Child:
    child = await Child.start(program)
    try:
        ready = _READY.decode(child.greeting)
    except msgspec.MsgspecError as error:
        await child.close()
        raise ChildUnavailable(f"the {child} greeted with nonsense") from error
    if isinstance(ready, Failure):
        await child.close()
        raise ready.error()
    return child


async def _retire(crew: Crew, within_s: float) -> None:
    """Close a crew once it has answered what it was asked, or has had the time for that."""
    try:
        async with asyncio.timeout(within_s):
            await crew.idle()
    except (TimeoutError, ChildFailed):
        pass
    await crew.close()
