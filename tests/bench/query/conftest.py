"""The shop that is searched, and who runs on which core."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.bench.cores import Cores
from tests.bench.query.listings import Listings
from tests.bench.query.services import open_searched_shop
from tests.bench.shop import Servers

ENCODER = os.environ.get("BENCH_ENCODER", "mini")
PRODUCTS = int(os.environ.get("BENCH_QUERY_PRODUCTS", "5000"))


@pytest.fixture(scope="session")
def listings() -> Listings:
    """What is in the shop."""
    return Listings.of(ENCODER, PRODUCTS)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, listings: Listings) -> Iterator[Servers]:
    """The servers, with all indexed, and shoppers who clicked."""
    with open_searched_shop(tmp_path_factory.mktemp("query"), ENCODER, listings) as servers:
        yield servers


@pytest.fixture
def confined(servers: Servers) -> Iterator[Cores]:
    """Servers and this process on one core: the other one is for whom is measured."""
    cores = Cores.choose()
    with servers.confined(cores):
        yield cores
