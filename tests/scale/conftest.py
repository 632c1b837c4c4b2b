"""Three brokers and three workers on machines of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.milvus3 import Unavailable
from tests.scale.fleet import Fleet, open_fleet
from tests.scale.network import Machine, open_network
from tests.scale.servers import open_servers

BROKERS, WORKERS = ("broker-1", "broker-2", "broker-3"), ("worker-1", "worker-2", "worker-3")


@dataclass(frozen=True, slots=True)
class Cluster:
    """What runs, and where."""

    machines: dict[str, Machine]
    fleet: Fleet


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for a module's tests, as there is one bridge; skipped by name where namespaces are not allowed."""
    directory = tmp_path_factory.mktemp("scale")
    try:
        with (
            open_network([*BROKERS, *WORKERS]) as machines,
            open_servers(directory, [machines[name] for name in BROKERS]) as servers,
            open_fleet(directory / "fleet", servers, [machines[name] for name in WORKERS]) as fleet,
        ):
            yield Cluster(machines, fleet)
    except Unavailable as reason:
        pytest.skip(str(reason))
