"""Shops for the tests of the query worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.shop import MakeShop, Shop, png


@pytest.fixture
def make_shop() -> Iterator[MakeShop]:
    shops: list[Shop] = []

    def make(*args: Any, **replaced: Any) -> Shop:
        shops.append(Shop(*args, **replaced))
        return shops[-1]

    yield make
    for shop in shops:
        shop.close()


@pytest.fixture
def shop_options() -> dict[str, Any]:
    """What `shop` is made with; a module or a class overrides it."""
    return {}


@pytest.fixture
async def shop(make_shop: MakeShop, shop_options: dict[str, Any]) -> Shop:
    """Eight products of two categories."""
    shop = make_shop(**shop_options)
    for at, colour in enumerate(("red", "blue", "green", "black")):
        details: dict[str, Any] = {"brand": "Acme" if at % 2 else "Bolt", "currency": "EUR", "in_stock": at != 3}
        colours = {"attributes": {"colour": colour}}
        hoodie = {"title": f"{colour} hoodie", "category": "Men/Tops/Hoodies", "price": 20.0 + 10 * at}
        mug = {"title": f"{colour} mug", "category": "Home/Mugs", "price": 5.0 + at, "group_id": "mugs"}
        times = {"created_at": f"2026-01-0{at + 1}T00:00:00Z"}
        await shop.put(f"hoodie-{colour}", png(colour), **hoodie, **details, **colours, **times)
        await shop.put(f"mug-{colour}", png(colour, "white"), **mug, **details, **colours)
    return shop


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with shop.client() as client:
        yield client
