"""An index in two languages: listings in the other one than the query are found beside those in its own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from encoders.port import HashEncoder
from encoders.spec import FloatArray
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest
from query_api.wiring.components import open_searcher
from tests.shop import MakeShop


class TranslatingEncoder(HashEncoder):
    """Knows some Chinese by the English words for it."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        return super().encode_texts([text.replace("红鞋", "red shoe") for text in texts])


@pytest.mark.parametrize("text", ["red shoe", "红鞋"])
async def test_a_translation_comes_before_what_just_has_a_word(make_shop: MakeShop, text: str):
    shop = make_shop(QueryConfig(text_trust=False), encoder=TranslatingEncoder())
    await shop.put("en", title="red shoe")
    await shop.put("zh", title="红鞋")
    for at in range(60):
        await shop.put(f"en{at}", title=f"red thing{at} kind{at}")
        await shop.put(f"zh{at}", title=f"红 物{at}")
    async with open_searcher(shop.services) as searcher:
        response = await searcher.search(SearchRequest(text=text, floor=0))
    assert {hit.product_id for hit in response.hits[:2]} == {"en", "zh"}
