"""Parts of a query worker, each put together by itself."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from encoders.spec import PartWeights
from query_api.cache.candidate_entries import CandidateEntries, EntryLimits
from query_api.cache.change_feed import ChangeFeed
from query_api.cache.live_entries import LiveEntries, LiveLimits
from query_api.cards.card_table import CardTable
from query_api.circuit_breaker import CircuitBreaker
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.product_vectors import ProductVectors
from query_api.embedding.query_vectors import QueryEmbedder
from query_api.embedding.text_trust import TextTrust
from query_api.embedding.visuals import VisualDecoders, VisualEmbedder
from query_api.personalisation.shopper_profiles import ShopperProfiles
from query_api.recommending.behaviour_candidates import BehaviourCandidates
from query_api.recommending.recommender import RecommendationSources, Recommender
from query_api.recommending.shop_patterns import ShopPatterns
from query_api.recommending.sources import BehaviourSources, CatalogueSources
from query_api.recommending.taste_ranking import TasteRanking
from query_api.recommending.taste_vectors import TasteVectors
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.candidate_finder import ResultCache
from query_api.search.inputs import InputLoader, MediaLoader
from query_api.search.response_builder import ResponseBuilder
from query_api.understanding.background_refresh import CatalogueVocabulary, RecogniserUpdater
from query_api.understanding.parser import QueryParser
from query_api.understanding.synonyms import SynonymFile
from query_api.understanding.transcription import SpeechLimits, SpeechTranscriber
from query_api.wiring.ports import QueryPorts

BackgroundWork = Callable[[], Coroutine[Any, Any, None]]
"""Runs until cancelled."""

BEHAVIOUR_READS = 6
"""So many times, one after the other, a recommendation reads what people did: by a circuit of its own, as one that is
late as a whole must not cost searches their personal order."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """What makes vectors of queries."""

    batcher: EncoderBatcher
    products: ProductVectors
    embedder: QueryEmbedder
    text_trust: TextTrust


@dataclass(frozen=True, slots=True)
class Understanding:
    """What tells what texts ask for, and what keeps its knowledge of words fresh."""

    parser: QueryParser
    background: tuple[BackgroundWork, ...]


@dataclass(frozen=True, slots=True)
class Recommending:
    """What recommends products."""

    recommender: Recommender
    patterns: ShopPatterns
    """To be run."""


def wire_embedding(ports: QueryPorts) -> Embedding:
    """Over the encoder; nothing is measured yet."""
    config = ports.config
    batcher = EncoderBatcher(
        ports.encoder,
        ports.encoder_thread,
        config.encode_batch,
        config.encode_waiting,
        config.encode_deadline_s,
        ports.device_priority,
        ports.vitals.pulse("encoder"),
    )
    decoders = VisualDecoders(ports.decoder, ports.media_decoder, config.encode_deadline_s, config.deadline_s)
    products = ProductVectors(ports.store, ports.encoder.spec)
    embedder = QueryEmbedder(batcher, VisualEmbedder(decoders, batcher), products, config.text_embeddings_bytes)
    return Embedding(batcher, products, embedder, TextTrust(ports.store, batcher, config.text_trust))


def wire_understanding(ports: QueryPorts) -> Understanding:
    """Raises `InvalidSynonyms`: the configured file cannot be used."""
    intervals = ports.refresh_intervals
    vocabulary = CatalogueVocabulary(ports.store, ports.change_log, intervals)
    synonyms = SynonymFile(ports.config.synonyms, intervals.poll_s)
    updater = RecogniserUpdater(vocabulary, ports.recogniser, intervals)
    return Understanding(QueryParser(ports.store, vocabulary, synonyms), (vocabulary.run, synonyms.run, updater.run))


def wire_inputs(ports: QueryPorts) -> InputLoader:
    """What reads what a request searches with."""
    limits = SpeechLimits(ports.clips_config.query_seconds, ports.config.deadline_s)
    return InputLoader(MediaLoader(ports.fetch_media), SpeechTranscriber(ports.media_decoder, ports.recogniser, limits))


def wire_cache(ports: QueryPorts, circuit: CircuitBreaker, cards: CardTable) -> ResultCache | None:
    """None: the cache is turned off."""
    config = ports.config
    if not config.cache_ttl_s:
        return None
    feed = ChangeFeed(ports.change_log, ports.store, circuit, config.cache_repair_products)
    feed.tell_first(cards)
    live = LiveLimits(config.cache_memory_bytes, config.cache_ttl_s, config.cache_repair_products)
    shared = EntryLimits(config.cache_ttl_s, config.cache_entry_bytes, config.cache_repair_products)
    return ResultCache(
        feed,
        LiveEntries(feed, live, ports.clock),
        CandidateEntries(ports.candidate_cache, ports.change_log, circuit, shared),
    )


def wire_recommending(
    ports: QueryPorts,
    profiles: ShopperProfiles,
    products: ProductVectors,
    retriever: Retriever,
    cards: CardTable,
    feed: ChangeFeed | None,
    responses: ResponseBuilder,
) -> Recommending:
    """Over what people did, what is near their taste, and the catalogue. Args: feed: None: the cache is turned off."""
    config = ports.config
    patterns = ShopPatterns(ports.behaviour, ports.profiles, cards)
    behaviour = BehaviourCandidates(ports.behaviour, ports.profiles, lambda: patterns.latest)
    weights = PartWeights(config.mixed_query_text, config.mixed_query_image)
    tastes = TasteVectors(ports.store, ports.encoder.spec, weights, feed)
    sources = RecommendationSources(
        TasteRanking(profiles, retriever, tastes, config.personal),
        BehaviourSources(behaviour, CircuitBreaker(BEHAVIOUR_READS * config.redis_deadline_s)),
        CatalogueSources(retriever, tastes),
    )
    recommender = Recommender(profiles, products, retriever, sources, cards, feed, responses, config.explored)
    return Recommending(recommender, patterns)
