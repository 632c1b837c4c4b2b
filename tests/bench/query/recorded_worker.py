"""A query worker whose searches of Milvus' are noted: `python -m tests.bench.query.recorded_worker FILE`."""

from __future__ import annotations

import pickle
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymilvus import AsyncMilvusClient

from vitrine.cli import main as vitrine


@dataclass(frozen=True, slots=True)
class Search:
    """A call of `AsyncMilvusClient.search` or `.hybrid_search`."""

    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    began_s: float
    ended_s: float
    """By the clock that all processes of the machine share."""


def record_searches(file: Path) -> None:
    """Write each search of this process to a file."""
    for method in ("search", "hybrid_search"):
        setattr(AsyncMilvusClient, method, _recorded(method, file))


def recorded_searches(file: Path) -> list[Search]:
    """What was written."""
    found: list[Search] = []
    with file.open("rb") as source:
        while source.peek(1):
            found.append(pickle.load(source))
    return found


def _recorded(method: str, file: Path) -> Any:
    original = getattr(AsyncMilvusClient, method)

    async def call(client: AsyncMilvusClient, *arguments: Any, **options: Any) -> Any:
        began_s = time.monotonic()
        answer = await original(client, *arguments, **options)
        with file.open("ab") as output:
            pickle.dump(Search(method, arguments, options, began_s, time.monotonic()), output)
        return answer

    return call


def main() -> None:
    """Run it as `vitrine worker query` does."""
    from tests.bench.query import recorded_worker

    recorded_worker.record_searches(Path(sys.argv[1]))
    sys.argv[1:] = ["worker", "query"]
    vitrine()


if __name__ == "__main__":
    main()
