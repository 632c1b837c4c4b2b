"""What every request passes: who asks, whether they may, and how often."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from query_api import metrics
from query_api.access.access_control import AccessControl
from query_api.access.addresses import ClientAddresses, HostNames, read_networks
from query_api.access.callers import ANONYMOUS, Caller, Scope
from query_api.access.rate_limits import RateLimiter, SharedCounts
from query_api.access_config import AccessConfig, is_loopback
from query_api.errors import AccessRefused, InvalidAccess, TooManyRequests

log = logging.getLogger(__name__)

RESTART_S = 1.0
AUTOMATIC_RATE = "1000/second"
"""What `auto` gives an address: far above a person, and below what stops a worker."""


class Sender(NamedTuple):
    """What a request says of its sender."""

    authorization: str | None
    peer: str
    """The other end of the connection."""
    forwarded: str = ""
    """`X-Forwarded-For`."""


class AccessGate:
    """Lets requests in. For one event loop."""

    def __init__(self, config: AccessConfig, host: str, control: AccessControl, counts: SharedCounts | None) -> None:
        """Args: host: what the worker listens on; counts: shared by all workers; None: each counts for itself."""
        rate = config.rate_limit_address
        self.config = config
        self.hosts = HostNames(config, host)
        self._host = host
        self._control = control
        self._addresses_of = ClientAddresses(read_networks(config.trusted_proxies))
        self._is_automatic = rate == "auto"
        address_rates = {"auto": AUTOMATIC_RATE, "off": ""}.get(rate, rate)
        self._addresses = RateLimiter("address", address_rates, counts) if address_rates else None
        self._keys = RateLimiter("key", config.rate_limit_key, counts) if config.rate_limit_key else None

    def check_bind(self) -> None:
        """Refuse to serve others without keys, unless told to. After `AccessControl.run` has looked for keys.

        Raises:
            InvalidAccess: saying what to do.
        """
        # Where it is not known, nobody is answered before it is.
        if self._control.is_locked is False and not self.config.open and not is_loopback(self._host):
            raise InvalidAccess(
                f"query.host = {self._host} lets other machines in, and no API key has been made: make one by "
                "`vitrine apikey create --scope search`, or set query.require_keys = true, or listen on 127.0.0.1; "
                "query.open = true serves everybody without a key"
            )

    async def run(self) -> None:
        """Keep keys, secrets and counts fresh until cancelled."""
        limiters = [limiter for limiter in (self._addresses, self._keys) if limiter is not None]
        async with asyncio.TaskGroup() as group:
            for run in (*self._control.background, *(limiter.run for limiter in limiters)):
                group.create_task(_again_and_again(run))

    async def admit(self, sender: Sender, scope: Scope | None) -> Caller:
        """Who asks, if they may.

        Args:
            scope: what they must have; None: nothing, not even a key.

        Raises:
            AccessRefused: they may not.
            AccessUnavailable: it cannot be found out just now.
        """
        try:
            caller = await self._identified(sender, scope)
            if scope is not None:
                caller.check_scope(scope)
            return caller
        except AccessRefused as error:
            metrics.REFUSED.labels(error.reason).inc()
            raise

    async def _identified(self, sender: Sender, scope: Scope | None) -> Caller:
        caller = ANONYMOUS
        try:
            if scope is not None:
                caller = await self._control.identify(sender.authorization)
        finally:
            self._take_of_address(sender, caller)
        if self._keys is not None and caller.id:
            user = caller.user_id or ""
            _check(self._keys.take(f"{caller.id} {user}"), "this key is used", self.config.rate_limit_key)
        return caller

    def _take_of_address(self, sender: Sender, caller: Caller) -> None:
        if self._addresses is None:
            return
        address = self._addresses_of.find(sender.peer, sender.forwarded)
        # A shop's own servers ask for all of its shoppers; a proxy on this machine that nobody named is no shopper.
        if self._is_automatic and (caller.kind in ("key", "service") or is_loopback(address)):
            return
        rate = AUTOMATIC_RATE if self._is_automatic else self.config.rate_limit_address
        _check(self._addresses.take(address), "your address asks", rate)


async def _again_and_again(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Keep something running: a fault that nobody thought of must not leave keys unwatched."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("access_background_failed")
        await asyncio.sleep(RESTART_S)


def _check(wait_s: float, who: str, rate: str) -> None:
    if wait_s > 0:
        raise TooManyRequests(f"{who} more often than {rate}", wait_s)


def is_address(host: str) -> bool:
    """Whether a `Host` is an address with or without a port, and no name."""
    name = host.strip()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
