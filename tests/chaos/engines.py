"""The Milvus of the chaos suite, whose process and data are ours to end: Milvus Lite, or a real server."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from deploy.local.stack import LocalStack
from tests.milvus_server import MilvusServer


class Engine(Protocol):
    """A Milvus on a directory of its own."""

    settings: Mapping[str, str]
    """What the shop has to be told of it."""

    @property
    def url(self) -> str:
        """Where it is; another place after a start, maybe."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        ...

    def start(self) -> None:
        """Start it on the data that it has, and wait until it is ready."""
        ...

    def kill(self) -> None:
        """End it without a warning; returns when it is gone."""
        ...

    def lose_data(self) -> None:
        """Remove all that it has, once it is killed."""
        ...


class LiteEngine:
    """Milvus Lite, as `vitrine up` starts it."""

    settings: Mapping[str, str] = {}

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = LocalStack(directory)

    @property
    def url(self) -> str:
        return self._stack.milvus().url

    @property
    def is_running(self) -> bool:
        return self._stack.state().find("milvus") is not None

    def start(self) -> None:
        asyncio.run(self._stack.start([self._stack.milvus()], lambda _: None))

    def kill(self) -> None:
        record = self._stack.state().find("milvus")
        assert record is not None, "Milvus does not run"
        os.kill(record.pid, signal.SIGKILL)
        self._stack.stop(["milvus"])

    def lose_data(self) -> None:
        shutil.rmtree(self._stack.milvus().database.parent)


class ServerEngine:
    """Standalone Milvus 2.3, which has no full text and one vector a row. Raises `milvus3.Unavailable`."""

    settings: Mapping[str, str] = {"VITRINE_MILVUS_FULL_TEXT": "false", "VITRINE_MILVUS_INDEX_TYPE": "FLAT"}

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server = self._prepared()

    @property
    def url(self) -> str:
        return self._server.address

    @property
    def is_running(self) -> bool:
        process = self._server.process
        return process is not None and process.poll() is None

    def start(self) -> None:
        self._server.start()

    def kill(self) -> None:
        self._server.kill()

    def lose_data(self) -> None:
        shutil.rmtree(self._directory)
        self._server = self._prepared()

    def _prepared(self) -> MilvusServer:
        self._directory.mkdir()
        return MilvusServer.on(self._directory)
