"""Where an identity provider's keys come from: its address, or a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from query_api.access.signing_keys import MAX_BYTES
from query_api.errors import AccessUnavailable

DEADLINE_S = 5.0


async def fetch_signing_keys(source: str) -> bytes:
    """The JWKS at `https://…`, or in a file; no redirect is followed.

    Raises:
        AccessUnavailable: it cannot be had just now.
    """
    if urlsplit(source).scheme in ("http", "https"):
        return await _fetch(source)
    try:
        return await asyncio.to_thread(Path(source.removeprefix("file://")).read_bytes)
    except OSError as error:
        raise AccessUnavailable(f"{source} cannot be read: {error.strerror}") from error


async def _fetch(url: str) -> bytes:
    try:
        async with (
            asyncio.timeout(DEADLINE_S),
            httpx.AsyncClient(timeout=DEADLINE_S) as client,
            client.stream("GET", url, headers={"accept": "application/json"}) as response,
        ):
            if response.status_code != 200:
                raise AccessUnavailable(f"{url} answered {response.status_code}")
            return await _bounded(response, url)
    except (httpx.HTTPError, TimeoutError) as error:
        raise AccessUnavailable(f"{url} does not answer: {error!r}") from error


async def _bounded(response: httpx.Response, url: str) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise AccessUnavailable(f"{url}: the answer is over {MAX_BYTES:,} bytes")
    return bytes(body)
