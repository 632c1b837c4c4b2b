"""How the query worker is put together: what it is made of, and which component gets what."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from encoders.inference.device_priority import DevicePriority
from encoders.liveness.vitals import Vitals
from encoders.port import Encoder, ImageDecoder, Ranker
from encoders.processes.media_decoding import ClipsConfig, MediaDecoder
from encoders.spec import PartWeights
from encoders.speech.port import AdaptableRecogniser
from indexer.errors import StoreUnavailable
from indexer.media_store import MediaStore
from indexer.personal_data import PersonalData
from indexer.ports.behaviour import BehaviourStore
from indexer.ports.changes import ChangeLog
from indexer.ports.impressions import ImpressionStore
from indexer.ports.products import ProductStore
from indexer.ports.profiles import ProfileStore
from indexer.ports.switches import VariantSwitches
from query_api.access.gate import AccessGate
from query_api.admission.lanes import Lanes
from query_api.cache.candidate_entries import CandidateEntries, EntryLimits
from query_api.cache.change_feed import ChangeFeed
from query_api.cache.live_entries import LiveEntries, LiveLimits
from query_api.cards.card_table import CardTable
from query_api.circuit_breaker import CircuitBreaker
from query_api.config import QueryConfig
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.product_vectors import ProductVectors
from query_api.embedding.query_vectors import QueryEmbedder
from query_api.embedding.text_trust import TextTrust
from query_api.embedding.visuals import VisualDecoders, VisualEmbedder
from query_api.errors import EncoderBusy
from query_api.experiments.beside import GenerationsBeside
from query_api.experiments.experiment import Experiment
from query_api.experiments.running import RunningExperiment
from query_api.explaining.product_explainer import ProductExplainer
from query_api.learning_to_rank.model import TreeRanker
from query_api.learning_to_rank.popularity import PopularProducts
from query_api.personalisation.shopper_profiles import PayloadCache, ShopperProfiles
from query_api.ports import CandidateCache, EventSink
from query_api.recommending.behaviour_candidates import BehaviourCandidates
from query_api.recommending.recommender import RecommendationSources, Recommender
from query_api.recommending.shop_patterns import ShopPatterns
from query_api.recommending.similar import SimilarProducts
from query_api.recommending.sources import BehaviourSources, CatalogueSources
from query_api.recommending.taste_ranking import TasteRanking
from query_api.recommending.taste_vectors import TasteVectors
from query_api.relevance.similarity_floors import SimilarityFloors
from query_api.retrieval.candidate_set import RetrievalLimits
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.answering import SearchAnswers
from query_api.search.candidate_finder import CandidateFinder, IndexKey, ResultCache
from query_api.search.facet_counting import FacetCounter
from query_api.search.impression_log import ImpressionLog
from query_api.search.inputs import InputLoader, MediaLoader
from query_api.search.learnt_ranking import LearntRanking
from query_api.search.personal_hits import PersonalHits
from query_api.search.planning import SearchPlanner
from query_api.search.reranking import Reranker, RerankLimits
from query_api.search.response_builder import IndexStatus, ResponseBuilder
from query_api.search.results import ResultRanker
from query_api.search.score_parts import ScoreExplainer
from query_api.search.searcher import Searcher, SearchStages
from query_api.understanding.background_refresh import CatalogueVocabulary, RecogniserUpdater, RefreshIntervals
from query_api.understanding.parser import QueryParser
from query_api.understanding.synonyms import SynonymFile
from query_api.understanding.transcription import SpeechLimits, SpeechTranscriber

BackgroundWork = Callable[[], Coroutine[Any, Any, None]]
"""Runs until cancelled."""


BEHAVIOUR_READS = 6
"""So many times, one after the other, a recommendation reads what people did: by a circuit of its own, as one that is
late as a whole must not cost searches their personal order."""


@dataclass(frozen=True, slots=True)
class QueryPorts:
    """Ports and settings of one query worker, filled in by a composition root, which also closes them."""

    store: ProductStore
    generation: str
    """Name of the index generation that `store` is."""
    encoder: Encoder
    encoder_thread: Executor
    """Where the encoder runs: exactly one thread."""
    decoder: ImageDecoder
    """Makes the encoder's input of shoppers' pictures."""
    profiles: ProfileStore
    behaviour: BehaviourStore
    change_log: ChangeLog
    media_store: MediaStore
    candidate_cache: CandidateCache
    index_age_ms: Callable[[], int | None]
    """How long the oldest event that is not yet searchable has waited, in ms; None: not known just now."""
    lag: Callable[[], Mapping[str, int] | None] = lambda: None
    """How many events of each topic wait to be indexed; None: not known just now."""
    config: QueryConfig = field(default_factory=QueryConfig)
    lanes: Lanes = field(default_factory=lambda: Lanes.of(512))
    """How many searches are worked on at a time, over all generations of the index."""
    gate: AccessGate | None = None
    """Lets requests in; None: all of them."""
    ranker: Ranker | None = None
    """Scores the best candidates once more; None: their scores stay."""
    learnt_ranker: TreeRanker | None = None
    """Orders the best candidates by all that is known of them; None: their order stays."""
    experiment: Experiment | None = None
    """Gives shoppers variants of the ranking; None: all have the same."""
    variant_rankers: Mapping[str, TreeRanker | None] = field(default_factory=dict[str, TreeRanker | None])
    """Of the variants that name one or none, by their names."""
    switches: VariantSwitches | None = None
    """Says which variants are switched off; None: none are."""
    beside: GenerationsBeside[QueryComponents] = field(default_factory=lambda: GenerationsBeside[QueryComponents]())
    """The generations of the index that variants of the experiment may name."""
    impressions: ImpressionStore | None = None
    """Remembers what answers showed; None: nobody does."""
    device_priority: DevicePriority | None = None
    """Of queries on the encoder's device, over other processes' work; None: none is shared."""
    publisher: EventSink | None = None
    """None: the search page's clicks are not taken."""
    fetch_media: Callable[[str], Awaitable[bytes]] | None = None
    """Fetches a picture by URL, safely; None: queries must bring the bytes. Raises `InvalidRequest`."""
    media_decoder: MediaDecoder | None = None
    """Decodes shoppers' sounds and clips; None: they are refused."""
    recogniser: AdaptableRecogniser | None = None
    """Transcribes what shoppers say; None: sounds are refused."""
    clips_config: ClipsConfig = field(default_factory=ClipsConfig)
    vitals: Vitals = field(default_factory=Vitals)
    """What is watched of the worker."""
    refresh_intervals: RefreshIntervals = field(default_factory=RefreshIntervals)
    """How often what is known of words is brought up to date."""
    clock: Callable[[], float] = time.monotonic
    """By which what is cached in the process expires, in seconds."""

    @property
    def personal_data(self) -> PersonalData:
        """All stores that have something of people."""
        return PersonalData(self.profiles, self.behaviour, self.impressions)


@dataclass(frozen=True, slots=True)
class QueryComponents:
    """What answers requests, and what has to run and be closed beside it."""

    searcher: Searcher
    answers: SearchAnswers
    similar: SimilarProducts
    recommender: Recommender
    explainer: ProductExplainer
    index: IndexStatus
    text_trust: TextTrust
    floors: SimilarityFloors
    batcher: EncoderBatcher
    """To be closed."""
    profiles: ShopperProfiles
    """To be closed."""
    impressions: ImpressionLog
    """To be flushed."""
    experiment: RunningExperiment
    feed: ChangeFeed | None
    """To be closed; None: the cache is turned off."""
    background: tuple[BackgroundWork, ...]
    """Keeps what is known of the catalogue fresh; searches are answered without it, from what is known."""

    async def aclose(self) -> None:
        """End what is under way in the encoder, of histories and at the change log."""
        await self.batcher.aclose()
        await self.profiles.aclose()
        await self.impressions.flush()
        if self.feed is not None:
            await self.feed.aclose()


@dataclass(frozen=True, slots=True)
class _Embedding:
    batcher: EncoderBatcher
    products: ProductVectors
    embedder: QueryEmbedder
    text_trust: TextTrust


@dataclass(frozen=True, slots=True)
class _Understanding:
    parser: QueryParser
    background: tuple[BackgroundWork, ...]


def wire(ports: QueryPorts) -> QueryComponents:
    """Make the components of a query worker; nothing runs yet.

    Raises:
        InvalidSynonyms: the configured file of synonyms cannot be used.
    """
    config, store, spec = ports.config, ports.store, ports.encoder.spec
    embedding, understanding = _wire_embedding(ports), _wire_understanding(ports)
    # One circuit for all that lives in Redis: when it hangs, the first queries to notice spare the others.
    circuit = CircuitBreaker(config.redis_deadline_s)
    profiles = ShopperProfiles(ports.profiles, circuit, PayloadCache(store))
    retriever = Retriever(store, RetrievalLimits(config.candidates, config.browse_candidates))
    scores, index = ScoreExplainer(store, spec), IndexStatus(ports.generation, ports.index_age_ms)
    running = RunningExperiment(
        ports.learnt_ranker, ports.experiment, ports.variant_rankers, ports.switches, ports.beside.names
    )
    popular = PopularProducts(ports.profiles)
    impressions = ImpressionLog(ports.impressions, config.impressions, running.label)
    learnt = LearntRanking(running, popular, config.learnt_ranker_candidates)
    responses = ResponseBuilder(FacetCounter(store, retriever), scores, index, learnt, impressions)
    cards = CardTable(store, config.card_table_bytes)
    index_key = IndexKey(ports.generation, spec.key)
    cache = _wire_cache(ports, circuit, cards)
    candidates = CandidateFinder(cache, embedding.embedder, retriever, index_key)
    floors = SimilarityFloors(store, embedding.batcher, embedding.text_trust)
    planner = SearchPlanner(
        config, understanding.parser, embedding.text_trust, floors, has_full_text=store.has_full_text
    )
    stages = SearchStages(
        _wire_inputs(ports),
        planner,
        candidates,
        floors,
        profiles,
        ResultRanker(cards, has_learnt_ranker=running.has_rankers),
        Reranker(ports.ranker, store, RerankLimits(config.ranker_candidates, config.ranker_weight)),
        learnt,
        running,
    )
    searcher = Searcher(stages, responses)
    # A ranker of vectors looks at more than is kept.
    personal = None if ports.ranker else PersonalHits(profiles, cards, learnt, impressions)
    patterns = ShopPatterns(ports.behaviour, ports.profiles, cards)
    behaviour = BehaviourCandidates(ports.behaviour, ports.profiles, lambda: patterns.latest)
    tastes = TasteVectors(store, spec, PartWeights(config.mixed_query_text, config.mixed_query_image))
    return QueryComponents(
        searcher=searcher,
        answers=SearchAnswers(searcher, responses, planner, index, cache, personal, impressions, running),
        similar=SimilarProducts(embedding.products, searcher),
        recommender=Recommender(
            profiles,
            embedding.products,
            retriever,
            RecommendationSources(
                TasteRanking(profiles, retriever, tastes, config.personal),
                BehaviourSources(behaviour, CircuitBreaker(BEHAVIOUR_READS * config.redis_deadline_s)),
                CatalogueSources(retriever, tastes),
            ),
            cards,
            cache.feed if cache else None,
            responses,
        ),
        explainer=ProductExplainer(searcher, retriever, store, scores, index),
        index=index,
        text_trust=embedding.text_trust,
        floors=floors,
        batcher=embedding.batcher,
        profiles=profiles,
        impressions=impressions,
        experiment=running,
        feed=cache.feed if cache else None,
        background=(
            *understanding.background,
            embedding.text_trust.run,
            floors.run,
            popular.run,
            impressions.run,
            running.run,
            patterns.run,
        ),
    )


@asynccontextmanager
async def open_searcher(ports: QueryPorts) -> AsyncGenerator[Searcher, None]:
    """A searcher with no application around it; of the background work, just text trust and floors are
    measured, once."""
    components = wire(ports)
    try:
        with suppress(StoreUnavailable, EncoderBusy):
            await components.text_trust.measure()
            await components.floors.measure()
        yield components.searcher
    finally:
        await components.aclose()


def _wire_embedding(ports: QueryPorts) -> _Embedding:
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
    return _Embedding(batcher, products, embedder, TextTrust(ports.store, batcher, config.text_trust))


def _wire_understanding(ports: QueryPorts) -> _Understanding:
    intervals = ports.refresh_intervals
    vocabulary = CatalogueVocabulary(ports.store, ports.change_log, intervals)
    synonyms = SynonymFile(ports.config.synonyms, intervals.poll_s)
    updater = RecogniserUpdater(vocabulary, ports.recogniser, intervals)
    return _Understanding(QueryParser(ports.store, vocabulary, synonyms), (vocabulary.run, synonyms.run, updater.run))


def _wire_inputs(ports: QueryPorts) -> InputLoader:
    limits = SpeechLimits(ports.clips_config.query_seconds, ports.config.deadline_s)
    return InputLoader(MediaLoader(ports.fetch_media), SpeechTranscriber(ports.media_decoder, ports.recogniser, limits))


def _wire_cache(ports: QueryPorts, circuit: CircuitBreaker, cards: CardTable) -> ResultCache | None:
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
