"""Has a query worker serve the generation that the registry says, and prepare the next one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from redis.asyncio import Redis

from encoders.errors import EncoderError
from indexer.errors import IndexerError, StoreUnavailable
from indexer.milvus.registry import Generation, Generations
from query_api.generations.switching import ServedGeneration, SwitchingApp
from query_api.generations.worker_status import WorkerStatus, WorkerStatusBoard
from vitrine.generations.binding import GenerationBinding, bind_generation
from vitrine.settings import Settings

log = logging.getLogger(__name__)

PRESENCE_INTERVAL_S = 1.0
RETRY_S = 10.0
"""How long until a generation that could not be opened is tried again."""

OpenServed = Callable[[GenerationBinding], Awaitable[ServedGeneration]]
"""Opens the application over a generation."""


class GenerationFollower:
    """Serves the active generation, and has the next one at hand before it is."""

    def __init__(self, settings: Settings, app: SwitchingApp, redis: Redis, open_served: OpenServed) -> None:
        self._settings = settings
        self._app = app
        self._open = open_served
        self._prepared: ServedGeneration | None = None
        self._fault = ""
        self._not_before = 0.0
        self._board = WorkerStatusBoard(redis)
        self._leaving: set[asyncio.Task[None]] = set()

    async def follow(self, now: Generations) -> None:
        """Prepare, switch or close generations, as the registry has them now."""
        active, ready = now.active, now.in_stage("ready")
        if active is not None and active.collection != self._app.served.generation:
            await self._prepare(active)
            if self._prepared is not None and self._prepared.generation == active.collection:
                former, self._prepared = self._app.switch(self._prepared), None
                self._close(former)
        elif ready is not None:
            await self._prepare(ready)
        elif self._prepared is not None:
            self._close(self._prepared)
            self._prepared = None

    async def aclose(self) -> None:
        """Close everything, what is served too."""
        with suppress(StoreUnavailable):
            await self._board.remove()
        for served in (self._prepared, self._app.served):
            if served is not None:
                await served.aclose()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _prepare(self, generation: Generation) -> None:
        """Open a generation, unless it is open, or opening one failed within the last `RETRY_S`."""
        wanted = generation.collection
        if self._prepared is not None and self._prepared.generation == wanted:
            return
        if asyncio.get_running_loop().time() < self._not_before:
            return
        if self._prepared is not None:
            self._close(self._prepared)
            self._prepared = None
        try:
            self._prepared, self._fault = await self._open(bind_generation(self._settings, generation)), ""
        except (EncoderError, IndexerError) as error:
            self._fault = f"{wanted}: {error}"[:300]
            self._not_before = asyncio.get_running_loop().time() + RETRY_S
            log.error("generation_not_prepared", extra={"generation": wanted, "error": self._fault})

    async def publish_presence(self) -> None:
        """Publish, for ever, which generations are active and prepared; while Redis is away, nobody switches."""
        while True:
            prepared = self._prepared.generation if self._prepared else ""
            with suppress(StoreUnavailable):
                await self._board.publish(WorkerStatus(self._app.served.generation, prepared, self._fault))
            await asyncio.sleep(PRESENCE_INTERVAL_S)

    def _close(self, served: ServedGeneration) -> None:
        task = asyncio.create_task(served.aclose())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
