"""Which keys are on one server of a Redis Cluster: those whose names have the same tag.

A script, and a command of several keys, work on one server. So whatever they change together has one tag: what is known
of people, and each part of their sessions and of products. On a single server names have no tags.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import NoScriptError

from indexer.redis.cluster import ClusterRedis
from indexer.redis.pipelining import ask_together

Item = TypeVar("Item")
PARTS = 32
"""Into how many parts sessions and products are divided: more servers than these would have none of them."""
_PEOPLE = "{people}:"

TAG = """
local tag = (KEYS[1] or ''):match('{.-}')
tag = tag and tag .. ':' or ''
"""
"""The beginning of each script that makes names of keys: their tag, as its first key has it, or nothing."""


def _even_tags() -> tuple[str, ...]:
    """Tags whose slots are as far from each other as they can be: each of some servers has as many."""
    width, found = REDIS_CLUSTER_HASH_SLOTS // PARTS, dict[int, str]()
    number = 0
    while len(found) < PARTS:
        part, beyond = divmod(key_slot(b"%d" % number), width)
        if width // 4 <= beyond < width - width // 4:
            found.setdefault(part, f"{{{number}}}:")
        number += 1
    return tuple(found[part] for part in range(PARTS))


_TAGS = _even_tags()


def people_tag(redis: Redis) -> str:
    """The tag of what is known of people, to be put after the names' first part; empty on a single server."""
    return _PEOPLE if isinstance(redis, ClusterRedis) else ""


def tag_keys(prefix: str, tag: str) -> list[str]:
    """What a script is given as its keys to know a tag and find its server; nothing on a single server.

    There are no such keys, and two of them: while their slot moves, part of the keys that the script would make names
    of is elsewhere, and then a server answers that it is to be tried again, as it does not know that they are none.
    """
    return [f"{prefix}{tag}", f"{prefix}{tag}:"] if tag else []


class Parts:
    """How sessions and products are divided: by their names into `PARTS`, and on a single server not at all."""

    def __init__(self, redis: Redis) -> None:
        in_cluster = isinstance(redis, ClusterRedis)
        self.tags: Sequence[str] = _TAGS if in_cluster else ("",)
        self.tag_of: Callable[[str], str] = _tag_of if in_cluster else _no_tag
        """The tag of what is about a shopper or a product."""
        self._redis = redis

    def divide(self, items: Sequence[Item], name_of: Callable[[Item], str]) -> dict[str, Sequence[Item]]:
        """Items by the tag of what they are about."""
        if len(self.tags) == 1:
            return {"": items}
        divided: defaultdict[str, list[Item]] = defaultdict(list)
        for item in items:
            divided[self.tag_of(name_of(item))].append(item)
        return {**divided}

    async def run(self, script: AsyncScript, prefix: str, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """What a script gives for each tag and its arguments. All servers are asked at once.

        Raises what redis-py raises. A script that was refused by one server may have run on others: repeat it.
        """
        if len(self.tags) == 1:
            return [await script(keys=[], args=arguments) for _, arguments in calls]
        commands = [("EVALSHA", script.sha, 2, *tag_keys(prefix, tag), *arguments) for tag, arguments in calls]
        try:
            return await ask_together(self._redis, commands)
        except NoScriptError:
            # A replica that takes a server's place has no scripts.
            await self._redis.script_load(script.script)
            return await ask_together(self._redis, commands)


def _tag_of(name: str) -> str:
    return _TAGS[zlib.crc32(name.encode()) % PARTS]


def _no_tag(_name: str) -> str:
    return ""
