"""The components of a query worker: which gets what."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from indexer.errors import StoreUnavailable
from query_api.cache.change_feed import ChangeFeed
from query_api.cards.card_table import CardTable
from query_api.circuit_breaker import CircuitBreaker
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.text_trust import TextTrust
from query_api.errors import EncoderBusy
from query_api.experiments.running import RunningExperiment
from query_api.explaining.product_explainer import ProductExplainer
from query_api.learning_to_rank.popularity import PopularProducts
from query_api.personalisation.shopper_profiles import PayloadCache, ShopperProfiles
from query_api.recommending.recommender import Recommender
from query_api.recommending.similar import SimilarProducts
from query_api.relevance.similarity_floors import SimilarityFloors
from query_api.retrieval.candidate_set import RetrievalLimits
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.answers.answering import SearchAnswers
from query_api.search.answers.personal_hits import PersonalHits
from query_api.search.candidate_finder import CandidateFinder, IndexKey
from query_api.search.facets.counting import FacetCounter
from query_api.search.impression_log import ImpressionLog
from query_api.search.learnt_ranking import LearntRanking
from query_api.search.planning import SearchPlanner
from query_api.search.reranking import Reranker, RerankLimits
from query_api.search.response_builder import IndexStatus, ResponseBuilder
from query_api.search.results import ResultRanker
from query_api.search.score_parts import ScoreExplainer
from query_api.search.searcher import Searcher, SearchStages
from query_api.wiring.parts import (
    BackgroundWork,
    wire_cache,
    wire_embedding,
    wire_inputs,
    wire_recommending,
    wire_understanding,
)
from query_api.wiring.ports import QueryPorts


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


def wire(ports: QueryPorts) -> QueryComponents:
    """Make the components of a query worker; nothing runs yet.

    Raises:
        InvalidSynonyms: the configured file of synonyms cannot be used.
    """
    config, store, spec = ports.config, ports.store, ports.encoder.spec
    embedding, understanding = wire_embedding(ports), wire_understanding(ports)
    # One circuit for all that lives in Redis: when it hangs, the first queries to notice spare the others.
    circuit = CircuitBreaker(config.redis_deadline_s)
    cards = CardTable(store, config.card_table_bytes)
    cache = wire_cache(ports, circuit, cards)
    feed = cache.feed if cache else None
    profiles = ShopperProfiles(ports.profiles, circuit, PayloadCache(cards, feed=feed))
    retriever = Retriever(store, RetrievalLimits(config.candidates, config.browse_candidates))
    scores, index = ScoreExplainer(store, spec), IndexStatus(ports.generation, ports.index_age_ms)
    running = RunningExperiment(
        ports.learnt_ranker, ports.experiment, ports.variant_rankers, ports.switches, ports.beside.names
    )
    popular = PopularProducts(ports.profiles)
    impressions = ImpressionLog(ports.impressions, config.impressions, running.label)
    learnt = LearntRanking(running, popular, config.learnt_ranker_candidates)
    responses = ResponseBuilder(FacetCounter(store, retriever), scores, index, learnt, impressions)
    index_key = IndexKey(ports.generation, spec.key)
    candidates = CandidateFinder(cache, embedding.embedder, retriever, index_key)
    floors = SimilarityFloors(store, embedding.batcher, embedding.text_trust)
    planner = SearchPlanner(
        config, understanding.parser, embedding.text_trust, floors, has_full_text=store.has_full_text
    )
    stages = SearchStages(
        wire_inputs(ports),
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
    recommending = wire_recommending(ports, profiles, embedding.products, retriever, cards, feed, responses)
    return QueryComponents(
        searcher=searcher,
        answers=SearchAnswers(searcher, responses, planner, index, cache, personal, impressions, running),
        similar=SimilarProducts(embedding.products, searcher),
        recommender=recommending.recommender,
        explainer=ProductExplainer(searcher, retriever, store, scores, index),
        index=index,
        text_trust=embedding.text_trust,
        floors=floors,
        batcher=embedding.batcher,
        profiles=profiles,
        impressions=impressions,
        experiment=running,
        feed=feed,
        background=(
            *understanding.background,
            embedding.text_trust.run,
            floors.run,
            popular.run,
            impressions.run,
            running.run,
            recommending.patterns.run,
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
