"""Media over HTTP: bounded in time, size, redirects and concurrency, and never from a private address.

A file that was fetched before is requested with its validators, so that it is not sent again when unchanged.
Source: RFC 9110, section 13, "Conditional Requests".
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType

import aiohttp
from yarl import URL

from indexer.media.store import media_hash
from streams import metrics
from streams.errors import UnreachableMedia
from streams.media.addresses import PublicResolver, is_private, is_web_port
from streams.media.embedding_cache import FileVersion
from streams.media.host_limiter import HostLimiter, acquire_slot

BACKOFF_S = 0.1
"""Doubled with each attempt, and jittered."""
_REDIRECTS = (301, 302, 303, 307, 308)
_FETCH_ERRORS = (aiohttp.ClientError, TimeoutError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a fetch may cost."""

    max_bytes: int = 20 * 2**20
    timeout_s: float = 5.0
    """The longest that one attempt may take, from connecting to the last byte, redirects included."""
    deadline_s: float = 12.0
    """The longest that a file may take: waiting for a slot, all attempts, and the pauses between them."""
    attempts: int = 2
    redirects: int = 3
    concurrency: int = 16
    """Files fetched or decoded at once; so many times `max_bytes` is the most that they take of memory."""
    per_host: int = 6
    private_hosts: tuple[str, ...] = ()
    """Host names that may be fetched from although they resolve to a private or loopback address."""

    def __post_init__(self) -> None:
        if min(self.max_bytes, self.attempts, self.concurrency, self.per_host) < 1 or self.redirects < 0:
            raise ValueError("media limits must be positive")
        if not 0 < self.timeout_s <= self.deadline_s:
            raise ValueError("media.timeout_s must be positive, and media.deadline_s no less")


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What a URL answered."""

    version: FileVersion
    data: bytes | None
    """The file; None: it is the one that was seen before."""


class MediaFetcher:
    """Fetches media; an async context manager that owns its connections."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._hosts = HostLimiter(limits.per_host)
        self._slots = asyncio.Semaphore(limits.concurrency)

    async def __aenter__(self) -> MediaFetcher:
        # The slots bound the connections, so that waiting for one is not taken for a host's silence. Redirects may
        # still lead the holders of many slots to one host.
        connector = aiohttp.TCPConnector(
            resolver=PublicResolver(self._limits.private_hosts, self._limits.concurrency),
            limit=0,
            limit_per_host=self._limits.per_host,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "image/*, video/*, audio/*", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @asynccontextmanager
    async def fetch(self, url: str, known: FileVersion | None = None) -> AsyncGenerator[FetchResult]:
        """The file at an http(s) URL; one of the `concurrency` slots is held until the caller is done with it.

        Args:
            url: where it is.
            known: what it answered last; the file is not sent again when it is still that. None: it is always sent.

        Raises:
            UnreachableMedia: refused, too large, still failing after the attempts, out of time, or on a host that is
                cooling down.
        """
        async with AsyncExitStack() as slot:
            try:
                fetched = await self._fetch_with_slots(url, known, slot)
            except UnreachableMedia as error:
                metrics.FETCHES.labels("failed").inc()
                raise UnreachableMedia(f"{redacted_url(url)}: {error}") from error
            metrics.FETCHES.labels("unchanged" if fetched.data is None else "fetched").inc()
            metrics.FETCHED_BYTES.inc(len(fetched.data or b""))
            yield fetched

    async def _fetch_with_slots(self, url: str, known: FileVersion | None, slot: AsyncExitStack) -> FetchResult:
        """Fetch with a slot of the host, then one of all: whoever waits for a slow host takes no slot from others."""
        target = self._validated(url)
        # An attempt that could not have its whole time is not begun: its host would be blamed for it.
        last_begin = asyncio.get_running_loop().time() + self._limits.deadline_s - self._limits.timeout_s
        async with self._hosts.slot(_host_key(target), last_begin):
            await acquire_slot(self._slots, last_begin)
            slot.callback(self._slots.release)
            return await self._attempt(target, known, last_begin)

    async def _attempt(self, url: URL, known: FileVersion | None, last_begin: float) -> FetchResult:
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return await self._follow(url, known)
            except _FETCH_ERRORS as error:
                pause_s = _pause_s(error, attempt)
                in_time = asyncio.get_running_loop().time() + pause_s <= last_begin
                if attempt == self._limits.attempts or not _is_transient(error) or not in_time:
                    raise UnreachableMedia(_why(error)) from error
                await asyncio.sleep(pause_s)
                self._hosts.check_available(_host_key(url))
        raise AssertionError("unreachable: attempts is at least 1")

    async def _follow(self, url: URL, known: FileVersion | None) -> FetchResult:
        """One attempt: request the file, and follow redirects."""
        until = asyncio.get_running_loop().time() + self._limits.timeout_s
        for _ in range(self._limits.redirects + 1):
            response = await self._request(url, known, until)
            if isinstance(response, FetchResult):
                return response
            url = self._validated(response)
            self._hosts.check_available(_host_key(url))
        raise UnreachableMedia(f"more than {self._limits.redirects} redirects")

    async def _request(self, url: URL, known: FileVersion | None, until: float) -> FetchResult | str:
        """The file, or the address that the host redirects to."""
        with self._hosts.record_outcome(_host_key(url)):
            async with (
                asyncio.timeout_at(until),
                self._session.get(url, allow_redirects=False, headers=_conditions(known)) as response,
            ):
                if response.status in _REDIRECTS:
                    return str(url.join(URL(response.headers.get("Location", ""))))
                if known and response.status == 304:
                    return FetchResult(known, None)
                if response.status != 200:
                    raise aiohttp.ClientResponseError(
                        response.request_info, (), status=response.status, headers=response.headers
                    )
                data = await self._read(response)
                validators = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
                return FetchResult(FileVersion(media_hash(data), *validators), data)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            # Media are compressed already, and a small body may unpack to any size.
            raise UnreachableMedia("answered compressed, which was not asked for")
        body = bytearray()
        async for chunk in response.content.iter_chunked(2**16):
            body += chunk
            if max(len(body), response.content_length or 0) > self._limits.max_bytes:
                raise UnreachableMedia(f"more than {self._limits.max_bytes} bytes")
        return bytes(body)

    def _validated(self, url: str) -> URL:
        """A URL that may be fetched, parsed once: whoever connects must not read another host out of it."""
        try:
            parsed = URL(url)
            host = parsed.host
        except ValueError as error:
            raise UnreachableMedia("not a URL") from error
        if parsed.scheme not in ("http", "https") or not host:
            raise UnreachableMedia("only http and https URLs are fetched")
        # Literal addresses do not go through the resolver, so they are checked here.
        if host not in self._limits.private_hosts:
            if is_private(host):
                raise UnreachableMedia("a private address; allow its host by name in media.private_hosts")
            if not is_web_port(parsed.port):
                raise UnreachableMedia(f"port {parsed.port} is none of web servers")
        return parsed


def redacted_url(url: str) -> str:
    """A URL for messages: without query and credentials, which may be secrets, and not too long."""
    try:
        return str(URL(url).with_user(None).with_query(None).with_fragment(None))[:200]
    except ValueError:
        return url.split("?", 1)[0].rsplit("@", 1)[-1][:200]


def _host_key(url: URL) -> str:
    return f"{url.host}:{url.port}"


def _conditions(known: FileVersion | None) -> dict[str, str]:
    headers = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified} if known else {}
    return {name: value for name, value in headers.items() if value}


def _is_transient(error: Exception) -> bool:
    """Whether trying again at once may help: no connection, or an answer that blames the server.

    After a timeout it does not: a delay line tries again later.
    """
    if isinstance(error, aiohttp.ClientResponseError):
        return error.status >= 500 or error.status == 429
    transient = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)
    return isinstance(error, transient) and not isinstance(error, TimeoutError | aiohttp.ClientSSLError)


def _pause_s(error: Exception, attempt: int) -> float:
    """Seconds to wait before the next attempt: what the host asks for, at least some jittered backoff."""
    backoff_s = random.uniform(0.5, 1.0) * BACKOFF_S * 2**attempt
    headers = error.headers if isinstance(error, aiohttp.ClientResponseError) else None
    retry_after = (headers or {}).get("Retry-After", "")
    return max(backoff_s, float(retry_after)) if retry_after.isascii() and retry_after.isdigit() else backoff_s


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return f"answered {error.status}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error)
    return type(error).__name__
