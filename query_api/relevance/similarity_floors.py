"""The floors of queries, learnt from an index: what is near is measured on its own products, with its own encoder."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoders.spec import FloatArray, PartWeights
from indexer.errors import StoreUnavailable
from indexer.ports.products import ProductStore
from indexer.text_analysis.chinese import has_chinese
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.text_trust import TextTrust
from query_api.errors import EncoderBusy
from query_api.relevance.background import MIN_SAMPLE, Background, NoiseCeiling
from query_api.relevance.query_floor import QueryFloor, WordReach
from query_api.relevance.sampling import SampledProducts, noise_texts, sample_products, title_words
from query_api.relevance.word_reach import TermScores

log = logging.getLogger(__name__)

CHUNK_SIZE = 16
"""How many texts are given to the encoder at once; a query may have to wait for them."""
LOOK_INTERVAL_S = 5.0
"""Between two looks at how many products there are."""
REMEASURE_GROWTH = 1.5
"""The index is measured again when it has so many times more or fewer products, or after `SETTLED_S`."""
SETTLED_S = 3_600.0
LEAST_SHARE = 0.02
"""Of the sampled titles that have to be in a language for the index to be in it."""
IMPLIED_UNRECOGNISED = 0.75
"""How far nearness stands for words where the encoder does not find products by words of their titles."""


@dataclass(frozen=True, slots=True)
class FloorTerms:
    """What the floor of a search is made of, beside its query vector."""

    strictness: float
    """What has to be reached, as a multiple of what was learnt; above 0."""
    text: str
    """What is asked for in words, as it was understood; empty: nothing is."""
    lexical_text: str | None
    """What lexical search looks for, synonyms included; None: it does not."""
    weights: PartWeights
    has_media: bool
    """Whether a picture or a product is among what is looked for."""


class SimilarityFloors:
    """Measures an index in the background; until there is enough to be told, there is no floor."""

    def __init__(self, store: ProductStore, batcher: EncoderBatcher, trust: TextTrust) -> None:
        self._store = store
        self._batcher = batcher
        self._trust = trust
        self._terms = TermScores(store)
        self._backgrounds: dict[bool, Background] = {}
        self._noise: dict[bool, FloatArray] = {}
        self._ceilings: dict[tuple[bool, float], NoiseCeiling | None] = {}
        self._measured_count = 0
        self._has_two_languages = False
        self.version = 0
        """How often it was measured: the floors may be others each time."""

    @property
    def words_implied(self) -> float:
        """How far nearness stands for words in listings of another language than the query, from 0 to 1.

        0 where the index is of one language.

        As far as texts are trusted in either language; wholly if the encoder finds products by words of their titles.
        """
        if not (self._has_two_languages and self._backgrounds):
            return 0.0
        recognition = min(one.recognition for one in self._backgrounds.values())
        return self._trust.least_factor * (IMPLIED_UNRECOGNISED + (1 - IMPLIED_UNRECOGNISED) * recognition)

    async def run(self) -> None:
        """Measure, and measure again as the catalogue changes, until cancelled."""
        while True:
            try:
                await self.measure()
                await self._until_changed()
            except (StoreUnavailable, EncoderBusy) as error:
                log.warning("similarity_floors_wait", extra={"reason": str(error)})
            except Exception:
                # Queries go on with the floors that there are, or without.
                log.exception("similarity_floors_failed")
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def measure(self) -> None:
        """Measure a sample of the products. Raises `StoreUnavailable` and `EncoderBusy`."""
        count = (await self._store.count()).searchable
        self._measured_count = count
        if count < MIN_SAMPLE:
            self._has_two_languages = False
            if self._backgrounds:
                self._take({})
            return
        products = await sample_products(self._store)
        chinese = sum(map(has_chinese, products.titles)) / max(1, len(products.titles))
        self._has_two_languages = LEAST_SHARE <= chinese <= 1 - LEAST_SHARE
        backgrounds = {chinese: await self._background(products, chinese, count) for chinese in (False, True)}
        self._take({chinese: one for chinese, one in backgrounds.items() if one is not None})
        log.info("similarity_floors_measured", extra=self._measured(len(products.texts)))

    async def reach(self, terms: FloorTerms | None) -> WordReach | None:
        """What products can score for the words; None: no words are compared, or the store does not answer."""
        if terms is None or terms.lexical_text is None or not self._backgrounds:
            return None
        try:
            asked = await self._terms.reach(terms.text, self._measured_count)
            if terms.lexical_text == terms.text:
                return asked
            sought = await self._terms.reach(terms.lexical_text, self._measured_count, tells_kinds=False)
        except StoreUnavailable:
            return None
        # A product has what is asked for where it has a synonym of each word: it needs not have all of them.
        best = min(asked.best, sought.best)
        return asked._replace(best=best, known=min(best, sought.known), well_matched=min(best, asked.well_matched))

    def floor(self, terms: FloorTerms | None, words: WordReach | None, vector: FloatArray | None) -> QueryFloor | None:
        """What a product has to reach to match; None: there is no floor.

        Args:
            terms: of the search; None: all of its candidates match.
            words: what products can score for its words; None: those are not compared.
            vector: query vector (2·dim,); None: there is none.
        """
        if terms is None or vector is None or not self._backgrounds:
            return None
        chinese = has_chinese(terms.text)
        background = self._backgrounds.get(chinese) or next(iter(self._backgrounds.values()))
        standing, ceiling = background.standing(vector), self._ceiling(background, chinese, terms.weights)
        if standing is None or ceiling is None:
            return None
        trust = min(self._trust.factor_for(terms.text), background.recognition)
        return QueryFloor(standing, ceiling, terms.strictness, trust, words, terms.has_media)

    def _take(self, backgrounds: dict[bool, Background]) -> None:
        self._backgrounds = backgrounds
        self._ceilings.clear()
        self.version += 1

    def _measured(self, sampled: int) -> dict[str, float]:
        recognition = {
            f"recognition_{'chinese' if chinese else 'other'}": one.recognition
            for chinese, one in self._backgrounds.items()
        }
        return {"products": self._measured_count, "sampled": sampled, **recognition}

    def _ceiling(self, background: Background, chinese: bool, weights: PartWeights) -> NoiseCeiling | None:
        total = weights.text + weights.image
        share = round(weights.image / total, 3) if total else 0.0
        key = chinese, share
        if key not in self._ceilings:
            # A request's own weights are anybody's choice.
            if len(self._ceilings) > 64:
                self._ceilings.clear()
            self._ceilings[key] = background.noise_ceiling(PartWeights(1 - share, share))
        ceiling = self._ceilings[key]
        return None if ceiling is None else ceiling._replace(score=ceiling.score * total)

    async def _background(self, products: SampledProducts, chinese: bool, count: int) -> Background | None:
        """The background of the products in a language, which encoders may keep apart; of all where those are few."""
        if chinese not in self._noise:
            texts = await noise_texts(products.texts, chinese)
            if not texts:
                return None
            self._noise[chinese] = await self._encode(texts)
        own = np.array(products.are_chinese) == chinese
        vectors = products.vectors[own] if own.sum() >= MIN_SAMPLE else products.vectors
        background = Background.of(self._batcher.spec, vectors, self._noise[chinese], count)
        titles = await title_words(products.titles, chinese)
        if not titles:
            return background
        return background.with_recognition(
            self._batcher.spec, await self._encode([*titles.values()]), products.vectors[[*titles]]
        )

    async def _encode(self, texts: Sequence[str]) -> FloatArray:
        rows: list[FloatArray] = []
        for start in range(0, len(texts), CHUNK_SIZE):
            rows += await asyncio.gather(
                *(self._batcher.encode(text, in_background=True) for text in texts[start : start + CHUNK_SIZE])
            )
        return np.stack(rows)

    async def _until_changed(self) -> None:
        """Wait until the index has other products than were measured, or it is time to look again."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + SETTLED_S
        while loop.time() < until_s:
            await asyncio.sleep(LOOK_INTERVAL_S)
            count, measured = (await self._store.count()).searchable, self._measured_count
            if count >= REMEASURE_GROWTH * max(1, measured) or count * REMEASURE_GROWTH < measured:
                return
