"""Both versions, and servers for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.upgrade.fleet import Fleet, open_fleet
from tests.upgrade.versions import Unavailable, Version, old_version


@pytest.fixture(scope="session")
def old() -> Version:
    """The released version; skipped by name where the history of this repository is not."""
    try:
        return old_version()
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def fleet(old: Version, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Servers that no worker has seen."""
    with open_fleet(tmp_path_factory.mktemp("upgrade")) as fleet:
        yield fleet
