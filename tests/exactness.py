"""Requests at random over catalogues at random, and what their answers must be: worked out by brute force."""

from __future__ import annotations

import operator
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import pytest
from msgspec import UNSET

from indexer.filters import created_at_ms
from query_api.cards.payload_values import category_paths
from query_api.contract.request_reading import convert_fields
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.search.ranking import rank_candidates
from query_api.search.searcher import Searcher
from tests.shop import Shop, png

WORDS = ("red", "blue", "hoodie", "mug", "warm", "cotton")
CATEGORIES = ("Men", "Men/Tops", "Men/Tops/Hoodies", "Home", "Home/Mugs")
Fields = dict[str, Any]
Draw = Callable[[Sequence[Any]], Any]
"""Chooses one of several."""


def draw_product(draw: Draw) -> Fields:
    """The fields of a product; `pictures` are colours. Few different values, so that many are equal."""
    fields: Fields = {
        "title": " ".join(draw(WORDS) for _ in range(draw((1, 2, 4)))),
        "pictures": draw(((), (), ("red",), ("blue",), ("red", "green"), ("white",))),
        "brand": draw((None, "Acme", "Bolt", "Café")),
        "category": draw((None, *CATEGORIES)),
        "price": draw((None, 0.0, 5.0, 9.99, 9.99, 20.0, 35.5)),
        "rating": draw((None, 3.0, 4.5, 5.0)),
        "in_stock": draw((None, True, False)),
        "group_id": draw((None, None, "g1", "g2")),
        "created_at": draw((None, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")),
        "attributes": draw((None, {"colour": "red"}, {"colour": ["red", "blue"]}, {"size": "M"})),
    }
    return {name: value for name, value in fields.items() if value is not None}


def draw_request(draw: Draw) -> Fields:
    """The body of a search."""
    mode = draw(("hybrid", "dense", "lexical"))
    request: Fields = {
        "mode": mode,
        "text": draw((None, "red hoodie", "warm mug", "cotton", "unheardof")),
        "image": draw((False, True)) and mode != "lexical",
        "weights": draw(
            ({}, {"text": 1, "image": 0}, {"text": 0, "image": 1}, {"text": 0.5, "image": 0.5, "lexical": 1})
        ),
        "filters": {name: draw(values) for name, values in _FILTERS.items() if draw((False, False, False, True))},
        "facets": draw(([], [], ["brand"], ["category", "price", "attributes.colour", "in_stock"])),
        "facet_ranges": draw(({}, {}, {"price": [0, 9.99, 20, 100]})),
        "multi_select": draw((False, True)),
        "group": draw((False, True)),
        "sort": draw(("relevance", "price", "-price", "newest")),
        "k": draw((1, 3, 10)),
        "offset": draw((0, 0, 2, 9)),
    }
    return {name: value for name, value in request.items() if value}


_FILTERS: Mapping[str, Sequence[Any]] = {
    "brand": (["Acme"], ["acme", "cafe\u0301"], ["none"]),
    "category": ("Men", "Men/Tops", "Home"),
    "price": ({"lt": 9.99}, {"lte": 9.99}, {"gte": 5, "lt": 30}, {"gt": 100}),
    "rating": ({"gte": 4.5},),
    "in_stock": (True, False),
    "created_at": ({"gte": "2026-01-02T00:00:00Z"},),
    "attributes.colour": ("red", ["blue", "green"]),
}


async def fill(shop: Shop, products: Mapping[str, Fields]) -> None:
    """Index products in a shop."""
    for product_id, fields in products.items():
        own = {name: value for name, value in fields.items() if name != "pictures"}
        await shop.put(product_id, *(png(colour) for colour in fields["pictures"]), **own)


async def check(shop: Shop, searcher: Searcher, products: Mapping[str, Fields], body: Fields) -> None:
    """Ask, and compare the answer with what the products themselves say."""
    request = convert_fields(body | ({"image": png("red")} if body.get("image") else {}), SearchRequest)
    results, response = await searcher.rank(request), await searcher.search(request)
    assert results.retrieval is not None and results.scoring is not None
    passing = {product_id for product_id, fields in products.items() if _passes(fields, request.filters)}
    scored = await _scored(shop, passing, results.retrieval)
    if request.sort != "relevance" and (scored.lexical > 0).any():
        # What merely is near would come first by its price: where no floor is learnt, words tell what matches.
        scored = scored.kept(scored.lexical > 0)
    ranked = rank_candidates(scored, results.scoring)
    order = _SORTED[request.sort]
    expected = sorted(
        (order(products[hit.candidate.product_id]), -hit.score, hit.candidate.product_id) for hit in ranked
    )
    if not (request.group and results.is_truncated):
        _compare_hits(response, request, expected, products)
        assert response.approximate is UNSET
    assert response.total == len(expected)
    _compare_facets(response, request, {product_id for _, _, product_id in expected}, products)


async def _scored(shop: Shop, passing: set[str], retrieval: RetrievalQuery) -> CandidateColumns:
    """Every product that passes and that the query reaches, with its scores."""
    store = shop.services.store
    stored = await store.read(sorted(passing))
    rows = (await store.search_lexical(retrieval.text, (), 1_000)).by_id() if retrieval.text else {}
    lexical = {product_id: score for product_id, score in rows.items() if product_id in passing}
    if retrieval.vector is not None:
        dense = {product_id: float(vector @ retrieval.vector) for product_id, (_, vector) in stored.items()}
    else:
        dense = dict.fromkeys(lexical if retrieval.text else stored, 0.0)
    return CandidateColumns.of(ScoredCandidate(name, score, lexical.get(name, 0.0)) for name, score in dense.items())


def _compare_hits(
    response: SearchResponse,
    request: SearchRequest,
    expected: list[tuple[Any, float, str]],
    products: Mapping[str, Fields],
) -> None:
    # Scores that differ by rounding alone may change places; by value, each place is what it must be.
    keys = {product_id: (key, score) for key, score, product_id in expected}
    if request.group:
        expected = _leaders(expected, products)
        assert response.groups == len(expected)
        leaders = [products[hit.product_id].get("group_id") or hit.product_id for hit in response.hits]
        assert len(set(leaders)) == len(leaders)
    page = expected[request.offset : request.offset + request.k]
    hits = [keys[hit.product_id] for hit in response.hits]
    assert [key for key, _ in hits] == [key for key, _, _ in page]
    assert [score for _, score in hits] == pytest.approx([score for _, score, _ in page], abs=1e-5)
    assert len({hit.product_id for hit in response.hits}) == len(page)


def _leaders(ranked: list[tuple[Any, float, str]], products: Mapping[str, Fields]) -> list[tuple[Any, float, str]]:
    first = {products[row[2]].get("group_id") or f"alone {row[2]}": row for row in reversed(ranked)}
    return sorted(first.values())


def _compare_facets(
    response: SearchResponse, request: SearchRequest, product_ids: set[str], products: Mapping[str, Fields]
) -> None:
    requested = dict.fromkeys((*request.facets, *request.facet_ranges))
    assert list(response.facets or {}) == list(requested)
    for field, counts in (response.facets or {}).items():
        if request.multi_select and field in request.filters:
            continue
        if field == "price":
            values = Counter(value for product_id in product_ids for value in _values(products[product_id], field))
            for counted in counts:
                assert counted.count == sum(n for value, n in values.items() if counted.gte <= value < counted.lt)
            assert request.facet_ranges or sum(counted.count for counted in counts) == values.total()
        else:
            folded = [{_folded(value) for value in _values(products[product_id], field)} for product_id in product_ids]
            assert {_folded(counted.value): counted.count for counted in counts} == Counter(chain(*folded))
            written = {value for product_id in product_ids for value in _values(products[product_id], field)}
            assert {counted.value for counted in counts} <= written


def _passes(fields: Fields, filters: Mapping[str, Any]) -> bool:
    return all(_passes_one(_values(fields, name), wanted) for name, wanted in filters.items())


def _passes_one(values: list[Any], wanted: Any) -> bool:
    if isinstance(wanted, dict):
        bounds = [(sign, _number(bound)) for sign, bound in wanted.items()]
        return any(all(_COMPARE[sign](_number(value), bound) for sign, bound in bounds) for value in values)
    accepted = wanted if isinstance(wanted, list) else [wanted]
    return not {_folded(value) for value in values}.isdisjoint(map(_folded, accepted))


def _values(fields: Fields, name: str) -> list[Any]:
    """The values of a field: of a category, every path above it too."""
    value = fields.get("attributes", {}).get(name[11:]) if name.startswith("attributes.") else fields.get(name)
    if name == "category":
        return list(category_paths(value))
    return value if isinstance(value, list) else [] if value is None else [value]


def _folded(value: Any) -> Any:
    return unicodedata.normalize("NFKC", value).casefold() if isinstance(value, str) else value


def _number(value: Any) -> float:
    return float(created_at_ms(value)) if isinstance(value, str) else float(value)


def _last(number: float | None, sign: int) -> tuple[bool, float]:
    return number is None, sign * (number or 0.0)


def _age(fields: Fields) -> tuple[bool, float]:
    return _last(_number(fields["created_at"]) if "created_at" in fields else None, -1)


_COMPARE = {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge}
_SORTED: Mapping[str, Callable[[Fields], Any]] = {
    "relevance": lambda _: 0,
    "price": lambda fields: _last(fields.get("price"), 1),
    "-price": lambda fields: _last(fields.get("price"), -1),
    "newest": _age,
}
