"""Pictures over HTTP: bounded in time, size, redirects and concurrency, and never from a private address.

What was fetched before is asked for with its validators, so that an unchanged picture is not sent again.
Source: RFC 9110, section 13, "Conditional Requests".
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
import time
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from indexer.media import media_hash
from streams import metrics
from streams.errors import UnreachableMedia
from streams.memories import Seen

HOST_FAILURES = 4
"""So many tries in a row without an answer, and a host is left alone for `HOST_REST_S`."""
HOST_REST_S = 30.0
BACKOFF_S = 0.1
"""Doubled with each attempt, and jittered."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a fetch may cost."""

    max_bytes: int = 20 * 2**20
    timeout_s: float = 5.0
    """The longest that one request may take, its wait for a free connection included."""
    deadline_s: float = 12.0
    """The longest that a picture may take, redirects and repeated attempts included."""
    attempts: int = 2
    redirects: int = 3
    concurrency: int = 16
    per_host: int = 4
    private_hosts: tuple[str, ...] = ()
    """Host names that may be fetched from although they resolve to a private or loopback address."""

    def __post_init__(self) -> None:
        if min(self.max_bytes, self.attempts, self.concurrency, self.per_host) < 1 or self.redirects < 0:
            raise ValueError("media limits must be positive")
        if min(self.timeout_s, self.deadline_s) <= 0:
            raise ValueError("media.timeout_s and media.deadline_s must be positive")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL answered."""

    seen: Seen
    data: bytes | None
    """The file; None: it is the one that was seen before."""


class MediaFetcher:
    """Fetches media; an async context manager that owns its connections."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._hosts = _Hosts()

    async def __aenter__(self) -> MediaFetcher:
        connector = aiohttp.TCPConnector(
            resolver=_PublicResolver(self._limits.private_hosts),
            limit=self._limits.concurrency,
            limit_per_host=self._limits.per_host,
        )
        timeout = aiohttp.ClientTimeout(total=self._limits.timeout_s)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            trust_env=False,
            auto_decompress=False,
            headers={"Accept": "image/*", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def fetch(self, url: str, known: Seen | None = None) -> Fetched:
        """The file at an http(s) URL.

        Args:
            url: where it is.
            known: what it answered last, if it need not be sent again when it is still that.

        Raises:
            UnreachableMedia: refused, too large, still failing after the attempts, or on a host that failed of late.
        """
        try:
            async with asyncio.timeout(self._limits.deadline_s):
                fetched = await self._attempt(url, known)
        except TimeoutError as error:
            self._hosts.note(urlsplit(url).netloc, failed=True)
            metrics.FETCHES.labels("failed").inc()
            raise UnreachableMedia(f"{_shown(url)}: not there within {self._limits.deadline_s:g} s") from error
        except UnreachableMedia:
            metrics.FETCHES.labels("failed").inc()
            raise
        metrics.FETCHES.labels("unchanged" if fetched.data is None else "fetched").inc()
        metrics.FETCHED_BYTES.inc(len(fetched.data or b""))
        return fetched

    async def _attempt(self, url: str, known: Seen | None) -> Fetched:
        host = urlsplit(url).netloc
        if self._hosts.is_resting(host):
            raise UnreachableMedia(f"{_shown(url)}: not tried, its host failed {HOST_FAILURES} times in a row just now")
        for attempt in range(1, self._limits.attempts + 1):
            try:
                fetched = await self._follow(url, known)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                # An answer, be it 404, is a sign of life.
                self._hosts.note(host, failed=not isinstance(error, aiohttp.ClientResponseError))
                if attempt == self._limits.attempts or not _may_pass(error) or self._hosts.is_resting(host):
                    raise UnreachableMedia(f"{_shown(url)}: {_why(error)}") from error
                await asyncio.sleep(random.uniform(0.5, 1.0) * BACKOFF_S * 2**attempt)
            else:
                self._hosts.note(host, failed=False)
                return fetched
        raise AssertionError("unreachable: attempts is at least 1")

    async def _follow(self, url: str, known: Seen | None) -> Fetched:
        for _ in range(self._limits.redirects + 1):
            self._check(url)
            async with self._session.get(url, allow_redirects=False, headers=_conditions(known)) as response:
                if response.status in (301, 302, 303, 307, 308):
                    url = urljoin(url, response.headers.get("Location", ""))
                    continue
                if known and response.status == 304:
                    return Fetched(known, None)
                response.raise_for_status()
                data = await self._read(response)
                validators = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
                return Fetched(Seen(media_hash(data), *validators), data)
        raise UnreachableMedia(f"{_shown(url)}: more than {self._limits.redirects} redirects")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            # Pictures are compressed already; what unpacks to who knows what is not unpacked.
            raise UnreachableMedia(f"{_shown(str(response.url))}: answered compressed, which was not asked for")
        body = bytearray()
        async for chunk in response.content.iter_chunked(2**16):
            body += chunk
            if len(body) > self._limits.max_bytes:
                raise UnreachableMedia(f"{_shown(str(response.url))}: more than {self._limits.max_bytes} bytes")
        return bytes(body)

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UnreachableMedia(f"{_shown(url)}: only http and https URLs are fetched")
        # The resolver is not asked about literal addresses, so they are checked here.
        if parts.hostname not in self._limits.private_hosts and _is_private(parts.hostname):
            raise UnreachableMedia(f"{_shown(url)}: a private address; allow its host by name in media.private_hosts")


class _Hosts:
    """Which hosts are left alone for a while: one that is down must not slow down each batch with a picture of it."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._resting_until: dict[str, float] = {}

    def is_resting(self, host: str) -> bool:
        return time.monotonic() < self._resting_until.get(host, 0.0)

    def note(self, host: str, *, failed: bool) -> None:
        if not failed:
            self._failures.pop(host, None)
            self._resting_until.pop(host, None)
            return
        self._failures[host] = self._failures.get(host, 0) + 1
        if self._failures[host] >= HOST_FAILURES:
            # Counted from anew: after its rest a host that is still down has one more round of tries.
            del self._failures[host]
            self._resting_until[host] = time.monotonic() + HOST_REST_S


@dataclass
class _PublicResolver(AbstractResolver):
    """Resolves names and drops private addresses; the connection then goes to just the address that was checked."""

    allowed: tuple[str, ...]
    _resolver: ThreadedResolver = field(default_factory=ThreadedResolver)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if host in self.allowed:
            return found
        public = [one for one in found if not _is_private(one["host"])]
        if not public:
            raise OSError(f"{host} resolves to a private address; allow it by name in media.private_hosts")
        return public

    async def close(self) -> None:
        await self._resolver.close()


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _conditions(known: Seen | None) -> dict[str, str]:
    headers = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified} if known else {}
    return {name: value for name, value in headers.items() if value}


def _may_pass(error: Exception) -> bool:
    """Whether trying again at once may help: no answer, or one that blames the server."""
    return not isinstance(error, aiohttp.ClientResponseError) or error.status >= 500 or error.status == 429


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return f"answered {error.status}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error)
    return type(error).__name__


def _shown(url: str) -> str:
    # Query strings carry signatures and tokens: they stay out of messages.
    return url.split("?", 1)[0][:200]
