"""How much work a request's words can make, counted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from indexer.criteria import Filters
from indexer.ports.products import ScoredIds
from query_api.understanding import price_phrases, spelling
from query_api.understanding.price_phrases import MAX_PHRASES, parse_price, word_before
from query_api.understanding.spelling import MAX_LOOKED_UP, find_corrections
from query_api.understanding.synonyms import MAX_EXPANDED, parse_synonyms
from query_api.understanding.vocabulary import Vocabulary
from tests.shop import MakeShop


def _misspelt() -> Iterator[str]:
    letters = "abcdefghij"
    for number in range(10_000):
        yield "hoodi" + "".join(letters[int(digit)] for digit in f"{number:04}")


def test_so_many_words_are_compared_with_the_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = Vocabulary()
    vocabulary.add(["hoodie", "mug"])
    compared: list[str] = []
    nearest = spelling._nearest_word
    monkeypatch.setattr(spelling, "_nearest_word", lambda word, known: compared.append(word) or nearest(word, known))
    words = list(_misspelt())[:2_000]
    find_corrections([" ".join(words[:1_000]), " ".join(words[1_000:])], vocabulary)
    assert compared == words[:MAX_LOOKED_UP]


async def test_so_many_words_of_a_request_are_searched_for_one_by_one(
    make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make_shop()
    await shop.put("p", title="hoodie mug")
    searched: list[str] = []
    search_lexical = shop.services.store.search_lexical

    async def counted(text: str, filters: Filters, limit: int) -> ScoredIds:
        searched.append(text)
        return await search_lexical(text, filters, limit)

    monkeypatch.setattr(shop.services.store, "search_lexical", counted)
    words = " ".join(_misspelt())
    parts = [{"text": words[at * 950 : at * 950 + 900]} for at in range(4)]
    async with shop.client() as client:
        response = await client.post("/v1/search", json={"parts": parts, "mode": "lexical"})
    assert response.status_code == 200 and len(searched) <= MAX_LOOKED_UP + 4


def test_so_many_price_phrases_of_a_text_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    first = price_phrases._first_phrase
    monkeypatch.setattr(price_phrases, "_first_phrase", lambda text: searched.append(1) or first(text))
    price = parse_price("under 5 euros " * 60)
    assert price is not None and price.bounds == {"lt": 5.0} and len(searched) == MAX_PHRASES


def test_so_many_matches_that_are_no_prices_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[re.Match[str]] = []
    parse = price_phrases._parse_match
    monkeypatch.setattr(
        price_phrases, "_parse_match", lambda match, text: looked_at.append(match) or parse(match, text)
    )
    assert parse_price("size under 5 mm " * 60) is None
    assert len(looked_at) <= 3 * price_phrases._MAX_ATTEMPTS


def test_an_entry_of_the_synonyms_is_expanded_once_and_not_too_many_are() -> None:
    synonyms = parse_synonyms("\n".join(f"word{at}, other{at}" for at in range(100)))
    assert list(synonyms.expand("word1 " * 300)) == ["word1"]
    assert len(synonyms.expand(" ".join(f"word{at}" for at in range(100)))) == MAX_EXPANDED


@pytest.mark.parametrize(
    ("text", "word"),
    [("size 5", "size"), ("Size: 5", "size"), ("5", ""), ("a_ 5", ""), ("高5", "高"), ("  5", "")],
)
def test_the_word_before_a_number(text: str, word: str) -> None:
    assert word_before(text, text.index("5")) == word
