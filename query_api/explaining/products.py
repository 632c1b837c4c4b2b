"""Where one product stands in a search, or why it is not in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from encoders.spec import FloatArray
from indexer.criteria import Ids
from indexer.records import StoredProduct
from query_api.answers import Answer
from query_api.explaining.evidence import (
    absence,
    hearing,
    indexed,
    no_shared_words,
    notes,
    rejections,
    staleness,
    understanding,
    unheard,
)
from query_api.explaining.scores import explain_hits
from query_api.explaining.standing import Standing, position, stand
from query_api.inputs import asked_products
from query_api.ranking import rank
from query_api.requests import SearchRequest
from query_api.responses import Place, ProductExplanation, Reason
from query_api.retrieval import Depth, Retrieval, Scored, retrieve
from query_api.searching import Searcher
from query_api.services import Services

Places = tuple[Place | None, Place | None, Place | None]
"""Of the product, of the last hit of the page that was asked for, of the last hit of all."""


class ProductExplainer:
    """Explains single products; nothing that it says comes from the cache."""

    def __init__(self, services: Services, searcher: Searcher) -> None:
        self._services = services
        self._searcher = searcher

    async def explain(self, request: SearchRequest, product_id: str) -> ProductExplanation:
        """Say where a product stands in a search, or why it is not in it; one that is not known is no error.

        Raises:
            InvalidRequest: what is searched with cannot be.
            StoreUnavailable: the product store does not answer.
            EncoderBusy: the encoder does not.
        """
        answer, found = await asyncio.gather(
            self._searcher.answer(request, use_cache=False), self._services.store.read([product_id])
        )
        product = found.get(product_id)
        if not any(one.scored.product_id == product_id for one in answer.ranked):
            await self._look_further(answer)
        gone = _gone(request, product_id, product)
        standing = stand(answer, product_id, None if gone else await self._alone(answer, product_id))
        places = await self._places(standing)
        reasons = [gone] if gone else list(_reasons(standing, places, product_id, product))
        return ProductExplanation(
            product_id=product_id,
            verdict=reasons[0].kind if reasons else "shown",  # pyright: ignore[reportArgumentType]
            reasons=reasons,
            notes=list(self._notes(answer, None if gone else product, {one.kind for one in reasons})),
            place=None if gone else places[0],
            hit=places[1],
            last=places[2],
            total=len(answer.ranked) + answer.unseen,
            indexed=indexed(product[0]) if product else None,
            generation=self._services.generation,
            index_age_ms=self._services.freshness(),
        )

    async def _look_further(self, answer: Answer) -> None:
        """Of a look without a query, have as many products as there can be pages of: their order tells their ranks."""
        retrieval, wanted = answer.retrieval, self._services.config.browse_candidates
        if retrieval is None or answer.weights is None or not retrieval.is_browse or not answer.unseen:
            return
        found = await retrieve(self._services.store, replace(retrieval, wanted=wanted), Depth(browse=wanted))
        answer.ranked = rank(found.items, answer.weights, answer.taste, answer.cards)
        answer.cut, answer.unseen = found.cut, found.unseen

    async def _alone(self, answer: Answer, product_id: str) -> Scored | None:
        """The exact scores of a product that the search did not find, filters apart; None: there are none."""
        if answer.retrieval is None or any(one.scored.product_id == product_id for one in answer.ranked):
            return None
        alone = await retrieve(
            self._services.store, replace(answer.retrieval, filters=(Ids((product_id,)),)), Depth(1, 1)
        )
        return alone.items[0] if alone.items else None

    async def _places(self, standing: Standing) -> Places:
        hits = standing.own, standing.hit, standing.last
        distinct = {one.scored.product_id: one for one in hits if one is not None}
        explained = await explain_hits(self._services, _retrieval(standing.answer), list(distinct.values()))
        own, hit, last = (standing.place(one, explained) for one in hits)
        return own, hit, last

    def _notes(
        self, answer: Answer, product: tuple[StoredProduct, FloatArray] | None, told: set[str]
    ) -> Iterator[Reason]:
        if product is not None:
            found = notes(self._services.encoder.spec, _retrieval(answer), *product)
            yield from (one for one in found if one.kind not in told)
        if answer.heard is not None and answer.retrieval is not None:
            yield hearing(answer.heard)
        if answer.reading is not None:
            yield from understanding(answer.reading, answer.request)
        # What was not heard has been told already, and is no server's fault.
        if without := [one for one in answer.degraded if one != "audio"]:
            detail = f"the search was done without {', '.join(without)}: a server did not answer"
            yield Reason("degraded", detail, {"degraded": without})
        if stale := staleness(self._services.freshness()):
            yield stale


def _gone(request: SearchRequest, product_id: str, product: tuple[StoredProduct, FloatArray] | None) -> Reason | None:
    if product_id in asked_products(request):
        return Reason("asked_with", "it is the product that is searched with, which is left out")
    return absence(product_id, product[0] if product else None)


def _reasons(
    standing: Standing, places: Places, product_id: str, product: tuple[StoredProduct, FloatArray] | None
) -> Iterator[Reason]:
    """Why a product that is searchable is not on the page that was asked for."""
    if standing.answer.retrieval is None:
        yield unheard(standing.answer.heard)
        return
    retrieval = standing.answer.retrieval
    assert product is not None
    stored, vector = product
    own, hit, last = places
    rejected = rejections(product_id, stored, vector, retrieval.filters)
    if rejected:
        yield from rejected
    elif own is None:
        yield no_shared_words(retrieval.text or "", stored.told)
    elif reason := position(standing, own, hit, last):
        yield reason


def _retrieval(answer: Answer) -> Retrieval:
    return answer.retrieval or Retrieval(answer.vector, None)
