"""An encoder of the encoder service for an event loop."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from encoders.errors import WorkerProcessUnavailable
from encoders.inference.runtime import Runtime
from encoders.liveness.progress import within_deadline
from encoders.media.preparation import Preparer
from encoders.port import Pixels
from encoders.processes.encoder import product_chunks
from encoders.processes.messages import EncoderSetup
from encoders.processes.pixel_memory import PixelMemory, make_pixel_memory
from encoders.prompts import Prompts
from encoders.service.client import ServiceEncoder, picture_runs
from encoders.service.opening import REQUESTS_PER_CLIENT, OpenEncoder, Urgency
from encoders.spec import EmbeddingSpec, FloatArray

T = TypeVar("T")
RECONNECT_S: Final = 0.1
"""Between two attempts to reach a service that is being started."""
START_DEADLINE_S: Final = 900.0


async def connected(
    path: Path,
    opening: OpenEncoder,
    deadline_s: float,
    start_deadline_s: float = START_DEADLINE_S,
    memory: PixelMemory | None = None,
) -> ServiceEncoder:
    """Connect to a service that may not listen yet. Args and errors as those of `ServiceEncoder`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + start_deadline_s
    while True:
        try:
            return await asyncio.to_thread(ServiceEncoder, path, opening, deadline_s, start_deadline_s, memory)
        except WorkerProcessUnavailable:
            if loop.time() > until:
                raise
        await asyncio.sleep(RECONNECT_S)


class EncoderClient:
    """An encoder of the service for an event loop, an async context manager, as `EncoderProcess` is one.

    Two batches are under way at a time, each from a thread and over a connection of its own: pixels never pass through
    the loop.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        runtime: Runtime | str = "auto",
        urgency: Urgency = "indexing",
        deadline_s: float = 60.0,
        start_deadline_s: float = START_DEADLINE_S,
    ) -> None:
        """Note what to ask for; entering the context connects. Args as those of `ServiceEncoder`, `load_encoder`."""
        runtime = Runtime(runtime) if isinstance(runtime, str) else runtime
        self._path, self._opening = path, OpenEncoder(EncoderSetup(name, runtime), urgency)
        self.deadline_s = deadline_s
        """The longest that one batch may take, in seconds."""
        self._start_deadline_s = start_deadline_s
        self.memory: PixelMemory | None = None
        """Where pictures may be that it is given, while entered: they are read there, all others are sent."""
        self._threads = ThreadPoolExecutor(REQUESTS_PER_CLIENT, thread_name_prefix="encoder service")
        self._free: queue.SimpleQueue[ServiceEncoder] = queue.SimpleQueue()
        self._encoders: list[ServiceEncoder] = []
        self._under_way: dict[object, float] = {}
        self._starting_since: float | None = None
        self._last = asyncio.Event()
        self._last.set()

    @property
    def spec(self) -> EmbeddingSpec:
        """The space its vectors live in."""
        return self._connected.spec

    @property
    def preparer(self) -> Preparer:
        """Resizes and crops decoded pictures to the model's input, in any thread or process."""
        return self._connected.preparer

    @property
    def prompts(self) -> Prompts:
        """What its callers put before queries and before products' texts."""
        return self._connected.prompts

    @property
    def device_s(self) -> float:
        """For how long the device has computed for it, in seconds."""
        return sum(encoder.device_s for encoder in self._encoders)

    def silent_s(self) -> float:
        """For how long its oldest request has been without an answer, in seconds; 0 while there is none."""
        return time.monotonic() - min(self._under_way.values()) if self._under_way else 0.0

    def starting_s(self) -> float:
        """For how long it has been connecting for the first time, in seconds; 0 while it is not."""
        return time.monotonic() - self._starting_since if self._starting_since is not None else 0.0

    async def __aenter__(self) -> EncoderClient:
        """Connect. Raises as `ServiceEncoder` does."""
        self._starting_since = time.monotonic()
        self.memory = make_pixel_memory()
        try:
            for _ in range(REQUESTS_PER_CLIENT):
                self._encoders.append(
                    await connected(self._path, self._opening, self.deadline_s, self._start_deadline_s, self.memory)
                )
        except BaseException:
            await self.__aexit__()
            raise
        finally:
            self._starting_since = None
        for encoder in self._encoders:
            self._free.put(encoder)
        return self

    async def __aexit__(self, *_: object) -> None:
        for encoder in self._encoders:
            encoder.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.memory = None

    async def encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        """Unit float32 rows (n_texts, dim) and (n_images, dim) of a batch. Raises as `ServiceEncoder.encode` does."""
        # All texts go with the first request: texts of like length then share a pass.
        runs = picture_runs(images) or [images]
        parts = [lambda one, run=run, at=at: one.encode(() if at else texts, run) for at, run in enumerate(runs)]
        answers = await asyncio.gather(*map(self._ask, parts))
        return answers[0][0], np.concatenate([rows for _, rows in answers])

    async def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Unit float32 rows (n, dim) of whole products, for an encoder whose `spec.joint`. Raises as `encode` does."""
        runs = product_chunks([len(pictures) for pictures in images])
        parts = [lambda one, run=run: one.encode_run(texts[run], images[run]) for run in runs]
        answers = await asyncio.gather(*map(self._ask, parts))
        return np.concatenate([np.zeros((0, self.spec.dim), np.float32), *answers])

    async def _ask(self, call: Callable[[ServiceEncoder], T]) -> T:
        before, self._last = self._last, asyncio.Event()
        own = self._last
        try:
            # An answer, and those before it: all of it has deadlines.
            with within_deadline():
                answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._with_connection, call)
                # One that the other connection was faster with waits for its turn.
                await before.wait()
                return answer
        except RuntimeError as error:
            raise WorkerProcessUnavailable("the connections to the encoder service were closed") from error
        finally:
            own.set()

    def _with_connection(self, call: Callable[[ServiceEncoder], T]) -> T:
        request, encoder = object(), self._free.get()
        self._under_way[request] = time.monotonic()
        try:
            return call(encoder)
        finally:
            del self._under_way[request]
            self._free.put(encoder)

    @property
    def _connected(self) -> ServiceEncoder:
        if not self._encoders:
            raise WorkerProcessUnavailable("the encoder service is not connected yet: enter its context first")
        return self._encoders[0]
