"""One shop for the scenarios of a session, and their table at its end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.chaos.report import table
from tests.chaos.shop import Scenario, Shop, open_shop

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop that scenarios share: each has products and shoppers of its own."""
    with open_shop(tmp_path_factory.mktemp("chaos")) as shop:
        yield shop


@pytest.fixture
def scenario(shop: Shop) -> Callable[[str], Scenario]:
    """Begins a scenario on the shop with three workers, all well."""

    def begin(name: str) -> Scenario:
        shop.proxy.release()
        shop.proxy.delay(0)
        shop.up()
        shop.wait_until_indexed()
        return Scenario(shop, name, f"c{next(_numbers)}")

    return begin


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what every scenario reported."""
    for line in table():
        terminalreporter.write_line(line)
