"""A shop for the tests of pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streams.media.fetching import MediaFetcher
from tests.unit.streams.image_hosts import ImageHost, serving
from tests.unit.streams.media.picture_shop import BLUE, LIMITS, RED, Shop
from tests.unit.streams.pipeline import Bench


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with serving(ImageHost()) as host, MediaFetcher(LIMITS) as fetcher:
        host.files = {"/red": RED, "/also-red": RED, "/blue": BLUE, "/page": b"<html>not found</html>"}
        yield Shop(Bench(), host, fetcher)
