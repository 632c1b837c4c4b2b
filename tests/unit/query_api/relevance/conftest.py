"""A catalogue of topics, and an encoder that knows which words belong to one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from encoders.port import HashEncoder
from encoders.spec import FloatArray
from query_api.wiring.components import QueryComponents, wire
from tests.shop import MakeShop, Shop

TOPICS = 12
PRODUCTS = 144


class TopicEncoder(HashEncoder):
    """Hears of a word `boat7` just `boat`."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        return super().encode_texts([" ".join(word.rstrip("0123456789") for word in text.split()) for text in texts])


def topic(number: int) -> str:
    """A word of letters alone."""
    return "topic" + "abcdefghijklmnop"[number]


@pytest.fixture
async def topics(make_shop: MakeShop) -> Shop:
    """Products of twelve topics, whose titles have words of their topic; each has two of twenty."""
    shop = make_shop(encoder=TopicEncoder())
    for at in range(PRODUCTS):
        own = topic(at % TOPICS)
        words = f"{own}{at % 20} {own}{(at + 7) % 20} {own} thing{at}"
        await shop.put(f"p{at:03d}", title=words, category=own, price=float(at))
    return shop


@pytest.fixture
async def components(topics: Shop) -> QueryComponents:
    """What answers searches of it, measured."""
    components = wire(topics.services)
    await components.text_trust.measure()
    await components.floors.measure()
    return components
