"""The state of everything: what runs, what is indexed, how far behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from deploy.local.processes import ProcessRecord
from deploy.local.stack import LocalStack
from indexer.milvus.registry import FIRST_GENERATION
from streams.errors import StreamError
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.kafka.lag import LagProbe
from vitrine.errors import NotRunning, VitrineError
from vitrine.masking import mask_credentials
from vitrine.settings import Settings
from vitrine.stack.freshness import measure_freshness
from vitrine.stack.servers import is_own, operations_url, reachable_kafka
from vitrine.stack.verdicts import complaints

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


async def read_status(settings: Settings) -> dict[str, Any]:
    """The state as `vitrine status --json` prints it; what cannot be asked is null, and named in `problems`."""
    stack = LocalStack(settings.data_dir)
    state = stack.state()
    problems = [f"{record.name} ended; see {record.log}" for record in stack.crashed()]
    indexing = state.with_prefix("indexing")
    answered, times, unready, stuck = await asyncio.gather(
        _or_problem(ask_query_worker(operations_url(settings)), problems),
        measure_freshness([worker.url for worker in indexing]),
        complaints([*state.with_prefix("encoder"), *indexing]),
        # One that stands by is ready only where there is something to stand by for.
        complaints(state.with_prefix("standby"), "/healthz"),
    )
    problems += unready + stuck
    index = answered or {}
    group = settings.indexing.group_of(index.get("generation", FIRST_GENERATION))
    lag = await _or_problem(waiting_events(settings, group), problems)
    return {
        "healthy": not problems,
        "problems": problems,
        "kafka": _server(state.find("kafka"), "bootstrap_servers", settings.kafka.bootstrap_servers),
        "milvus": _server(state.find("milvus"), "uri", settings.milvus.uri),
        "redis": _server(state.find("redis"), "url", settings.redis.url),
        "encoder_services": [_worker(worker) for worker in state.with_prefix("encoder")],
        "indexing_workers": [_worker(worker) for worker in state.with_prefix("indexing")],
        "standby_workers": [_worker(worker) for worker in state.with_prefix("standby")],
        "query_workers": [_worker(worker) for worker in state.with_prefix("query")],
        "products": index.get("products"),
        "generation": index.get("generation"),
        "encoder": index.get("encoder"),
        "index_age_ms": index.get("index_age_ms"),
        "lag": lag,
        "freshness": times,
    }


async def _or_problem(asked: Awaitable[T], problems: list[str]) -> T | None:
    try:
        return await asked
    except (VitrineError, StreamError) as error:
        problems.append(str(error))
        return None


async def active_group(settings: Settings) -> str:
    """The consumer group of the workers that index what is searched. Raises `NotRunning`."""
    return settings.indexing.group_of((await ask_query_worker(operations_url(settings)))["generation"])


async def waiting_events(settings: Settings, group: str) -> dict[str, dict[str, int]]:
    """Events that a consumer group has not acknowledged, by topic and partition."""
    waiting: dict[str, dict[str, int]] = {PRODUCT_EVENTS: {}, USER_EVENTS: {}}
    async with LagProbe(reachable_kafka(settings), group) as probe:
        for lag in await probe.lag(PRODUCT_EVENTS, USER_EVENTS):
            waiting[lag.topic][str(lag.partition)] = lag.messages
    return waiting


async def ask_query_worker(url: str) -> dict[str, Any]:
    """What a query worker knows of the index. Raises `NotRunning` when none answers at the URL."""
    import httpx

    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=5, verify=not is_own(url)) as client:
            response = await client.get("/readyz")
            response.raise_for_status()
            return response.json()
    except httpx.HTTPStatusError as error:
        raise NotRunning(f"the query worker at {url} {_unready(error.response)}") from error
    except httpx.HTTPError as error:
        raise NotRunning(f"no query worker answers at {url} ({error!r}); start one with `vitrine up`") from error


def _unready(response: httpx.Response) -> str:
    """What a worker says that is not ready."""
    try:
        problem = response.json()
        reasons = "; ".join(f"{reason['part']} {reason['reason']}" for reason in problem.get("reasons", ()))
        return f"is not ready: {problem['detail']}" + (f" ({reasons})" if reasons else "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"answers {response.status_code}: is it one of Vitrine's?"


def _server(record: ProcessRecord | None, key: str, configured: str) -> dict[str, Any]:
    """An embedded server with its process, or the configured one; passwords are masked."""
    if record is None:
        return {key: mask_credentials(configured) or None}
    return {key: mask_credentials(record.url), "pid": record.pid}


def _worker(record: ProcessRecord) -> dict[str, Any]:
    return {"name": record.name, "pid": record.pid, "url": record.url, "log": record.log}
