"""How far the encoder's similarities of texts are trusted: measured without judgments, on the catalogue's own texts.

Hybrid search is better than lexical search only where similarity means something. An encoder that was trained on other
texts or on another language gives noise, which puts good lexical matches out of order; one that just recognises words
is a poor copy of BM25. What tells an encoder that understands from both is what texts say *beyond shared words*. So
each product's words are dealt out into two halves with no word in common, and the encoder has to tell a product's
second half from those of other products. An encoder that only compares words does no better than chance, or worse, as
other products' halves may share a word.

Source: the task is a form of the inverse cloze task of Lee, Chang and Toutanova, 2019, "Latent Retrieval for Weakly
Supervised Open Domain Question Answering"; the measure is the area under the ROC curve.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray, PartWeights
from indexer.errors import StoreUnavailable
from indexer.ports.products import ProductStore
from indexer.rows import embedding_text
from indexer.text_analysis.analyzer import query_terms, words_in_order
from indexer.text_analysis.chinese import has_chinese, load_dictionary_for
from query_api import metrics
from query_api.contract.requests import Weights
from query_api.embedding.batcher import EncoderBatcher
from query_api.errors import EncoderBusy

log = logging.getLogger(__name__)

TARGET_SAMPLE = 200
"""How many products are sampled for each language; the standard error of the area is 0.02 then."""
MIN_SAMPLE = 32
"""With a smaller sample nothing can be told, and the encoder is trusted."""
CHANCE_AUC, FULL_TRUST_AUC = 0.5, 0.55
"""The area under the ROC curve of an encoder that knows nothing, and that from which on one is fully trusted. On four
catalogues, random vectors had 0.43 to 0.54, hashed words 0.33 to 0.42, and encoders that know the language 0.65 to
0.95."""
MIN_TRUST = 0.001
"""The trust in an encoder that knows nothing: above 0, as similarity still orders products without a matching word."""
PROBES, PROBE_LIMIT, PAGE_SIZE = 8, 64, 64
CHUNK_SIZE = 16
"""How many texts are given to the encoder at once; a query may have to wait for them."""
SOON_INTERVAL_S, SETTLED_INTERVAL_S = 5.0, 3_600.0
"""Seconds until the next measurement: while the sample is small, and once it is full."""
REMEASURE_GROWTH = 1.25
"""A sample must be so many times larger than the last before it is measured."""
_SEED = 1
_MAX_WORDS = 40
"""How many of a product's words are looked at: the first, as the title comes first."""
COMMON_SHARE, LEAST_WORDS = 0.1, 4
"""Words that more of the texts have tell none from another, set phrases above all, and are in neither half; but so many
words of each text stay, the rarest. On rendered Chinese listings, half of which are set phrases, the area of
multilingual E5 small is 0.69 without them and 0.58 with them; random vectors and hashed words stay below 0.53."""


@dataclass(frozen=True, slots=True)
class TrustMeasurement:
    """How well the encoder tells which halves of texts belong together."""

    text_count: int
    roc_auc: float
    standard_error: float
    """Standard error of the area."""

    @property
    def trust(self) -> float:
        """From `MIN_TRUST` to 1, in tenths, so that workers who see slightly different catalogues agree."""
        if self.text_count < MIN_SAMPLE:
            return 1.0
        surely = self.roc_auc - 2 * self.standard_error
        return max(MIN_TRUST, round(min(1.0, max(0.0, (surely - CHANCE_AUC) / (FULL_TRUST_AUC - CHANCE_AUC))), 1))


def scale_by_trust(weights: PartWeights, own: Weights, trust: float) -> PartWeights:
    """The weights of a text query times the trust, in (0, 1]; those that the request names itself stay."""
    return PartWeights(
        weights.text * (trust if own.text is None else 1.0), weights.image * (trust if own.image is None else 1.0)
    )


class TextTrust:
    """Measures the trust, for queries with Chinese and for others apart."""

    def __init__(self, store: ProductStore, batcher: EncoderBatcher, is_measured: bool = True) -> None:
        """Args: is_measured: False: the encoder is trusted fully, and nothing is measured."""
        self._store = store
        self._batcher = batcher
        self._is_measured = is_measured
        self._measurements: dict[bool, TrustMeasurement] = {}
        self.version = 0
        """How often it was measured: the factors may be others each time."""

    def factor_for(self, text: str) -> float:
        """The factor for a query's text weights, in (0, 1]; 1 until it has been measured."""
        measurement = self._measurements.get(has_chinese(text))
        return 1.0 if measurement is None else measurement.trust

    @property
    def least_factor(self) -> float:
        """The factor of the language that the encoder understands least, among those that were measured."""
        return min((measurement.trust for measurement in self._measurements.values()), default=1.0)

    async def run(self) -> None:
        """Measure, and measure again as the catalogue grows, until cancelled."""
        while self._is_measured:
            try:
                await self.measure()
            except (StoreUnavailable, EncoderBusy) as error:
                log.warning("text_trust_waits", extra={"reason": str(error)})
            except Exception:
                # Queries go on with the trust that there is, whatever it is.
                log.exception("text_trust_failed")
            await asyncio.sleep(SETTLED_INTERVAL_S if self._is_settled else SOON_INTERVAL_S)

    async def measure(self) -> None:
        """Measure on a sample of products, unless it hardly grew. Raises `StoreUnavailable` and `EncoderBusy`."""
        if not self._is_measured:
            return
        texts = await sample_texts(self._store, self._batcher.spec)
        await load_dictionary_for(texts)
        for chinese, name in ((False, "other"), (True, "chinese")):
            # In a thread: hundreds of long texts are cut into words.
            pairs = await asyncio.to_thread(_pairs, texts, chinese)
            known = self._measurements.get(chinese)
            if len(pairs) < MIN_SAMPLE or (
                known is not None and len(pairs) < min(REMEASURE_GROWTH * known.text_count, TARGET_SAMPLE)
            ):
                continue
            left, right = [await self._encode(side) for side in zip(*pairs, strict=True)]
            measurement = await asyncio.to_thread(measure_agreement, left, right)
            self._measurements[chinese] = measurement
            self.version += 1
            area, trust = round(measurement.roc_auc, 3), measurement.trust
            metrics.TEXT_TRUST.labels(name).set(trust)
            log.info("text_trust_measured", extra={"language": name, "area": area, "trust": trust})

    @property
    def _is_settled(self) -> bool:
        return any(measured.text_count >= TARGET_SAMPLE for measured in self._measurements.values())

    async def _encode(self, texts: Sequence[str]) -> FloatArray:
        rows: list[FloatArray] = []
        for start in range(0, len(texts), CHUNK_SIZE):
            rows += await asyncio.gather(
                *(
                    self._batcher.encode(text, as_document=True, in_background=True)
                    for text in texts[start : start + CHUNK_SIZE]
                )
            )
        return np.stack(rows)


async def sample_texts(store: ProductStore, spec: EmbeddingSpec) -> list[str]:
    """Texts, as they are embedded, from all over the catalogue: of the products farthest in random directions."""
    directions = np.random.default_rng(_SEED).standard_normal((PROBES, spec.fused_dim)).astype(np.float32)
    ids: dict[str, None] = {}
    for direction in directions:
        ids |= dict.fromkeys((await store.search_dense(direction, (), PROBE_LIMIT)).ids)
    texts: dict[str, None] = {}
    for start in range(0, len(ids), PAGE_SIZE):
        page = await store.read_states(list(ids)[start : start + PAGE_SIZE])
        texts |= {embedding_text(stored.state.fields): None for stored in page.values()}
    return list(texts)


def split_into_halves(texts: Iterable[str], chinese: bool) -> Iterator[tuple[str, str]]:
    """Each text's words in two halves that share no term, without those that many of the texts have.

    Texts of fewer than two words are left out.

    The words of a half are in the text's order, and Chinese ones without blanks, as it is written: an encoder that
    reads texts, and not words, makes little of a heap of them.

    Args:
        chinese: whether to take just words with Chinese characters, or just the others.
    """
    shuffle = random.Random(_SEED)
    for kept in _telling_words([_words_by_term(text, chinese) for text in texts]):
        places = shuffle.sample(range(len(kept)), len(kept))
        if len(kept) > 1:
            blank = "" if chinese else " "
            left, right = (blank.join(kept[at] for at in sorted(half)) for half in (places[::2], places[1::2]))
            yield left, right


def _words_by_term(text: str, chinese: bool) -> dict[str, str]:
    own = [word for word in words_in_order(text) if has_chinese(word) is chinese][:_MAX_WORDS]
    return {term: word for word in own if (term := query_terms(word))}


def _telling_words(words: Sequence[Mapping[str, str]]) -> Iterator[list[str]]:
    """The words of each text, in its order, that few of the texts have. Args: words: of each text, by term."""
    counts = Counter(term for own in words for term in own)
    most = COMMON_SHARE * sum(map(bool, words))
    for own in words:
        rarest = set(sorted(own, key=counts.__getitem__)[:LEAST_WORDS])
        yield [word for term, word in own.items() if counts[term] <= most or term in rarest]


def _pairs(texts: Sequence[str], chinese: bool) -> list[tuple[str, str]]:
    return list(itertools.islice(split_into_halves(texts, chinese), TARGET_SAMPLE))


def measure_agreement(left: FloatArray, right: FloatArray) -> TrustMeasurement:
    """How often a text's first half is nearer to its own second half than to another text's.

    Args:
        left, right: unit embeddings (n, dim) of first and second halves, n ≥ 2; row i of both is of text i.
    """
    scores = left @ right.T
    own = np.diag(scores)[:, None]
    others = len(scores) - 1
    # Equal ones count half; each row is equal to itself.
    won = (np.sum(scores < own, axis=1) + (np.sum(scores == own, axis=1) - 1) / 2) / others
    return TrustMeasurement(len(scores), float(won.mean()), float(won.std() / np.sqrt(len(won))))
