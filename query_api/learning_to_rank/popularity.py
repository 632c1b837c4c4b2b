"""How popular products are, as far as a process knows: read now and then, off the way of searches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

import numpy as np

from indexer.errors import StoreUnavailable
from indexer.ports.profiles import ProfileStore

log = logging.getLogger(__name__)

KNOWN = 1_000
"""The most popular products, that many."""
REFRESH_S = 60.0
"""A place among them lasts days."""


class PopularProducts:
    """The popularity of products as of a minute ago."""

    def __init__(self, profiles: ProfileStore) -> None:
        self._profiles = profiles
        self.popularity: Mapping[str, float] = {}
        """1 / log2(1 + place) by product id, place 1 being the first."""

    async def run(self) -> None:
        """Keep it fresh until cancelled."""
        while True:
            try:
                await self.refresh()
            except StoreUnavailable as error:
                log.warning("popularity_not_read", extra={"error": str(error)[:300]})
            await asyncio.sleep(REFRESH_S)

    async def refresh(self) -> None:
        """Read it now. Raises `StoreUnavailable`."""
        popular = await self._profiles.popular(KNOWN)
        values = 1.0 / np.log2(2.0 + np.arange(len(popular)))
        self.popularity = dict(zip(popular, values.tolist(), strict=True))
