"""The query worker's ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.middleware import Middleware

from indexer.errors import StoreUnavailable
from query_api.cache.cached_retrieval import CachedRetriever
from query_api.circuit_breaker import CircuitBreaker
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.query_vectors import QueryEmbedder
from query_api.errors import EncoderBusy
from query_api.explaining.product_explainer import ProductExplainer
from query_api.http.explain_route import ExplainRoute
from query_api.http.middleware import BodyLimit, Measured, SecurityHeaders
from query_api.http.openapi import openapi_document
from query_api.http.operation_routes import OperationRoutes
from query_api.http.problems import HANDLERS
from query_api.http.product_routes import ProductRoutes
from query_api.http.search_routes import SearchRoutes
from query_api.http.user_routes import UserRoutes
from query_api.personalisation.shopper_profiles import ShopperProfiles
from query_api.ports import QueryPorts
from query_api.recommending.recommender import Recommender
from query_api.search.response_builder import ResponseBuilder
from query_api.search.searcher import Searcher


@asynccontextmanager
async def open_searcher(services: QueryPorts) -> AsyncIterator[Searcher]:
    """Searches over these services, without an application around them."""
    batcher = _batcher(services)
    redis = CircuitBreaker(services.config.redis_deadline_s)
    vectors = QueryEmbedder(services, batcher)
    try:
        with suppress(StoreUnavailable, EncoderBusy):
            await vectors.text_trust.measure()
        yield Searcher(
            services,
            vectors,
            CachedRetriever(services, redis),
            ShopperProfiles(services, redis),
            ResponseBuilder(services),
        )
    finally:
        await batcher.aclose()


def create_app(services: QueryPorts) -> Starlette:
    """The application over these services, which stay the caller's to close after it has stopped."""
    config = services.config
    batcher = _batcher(services)
    # One circuit for all that lives in Redis: when it hangs, the first queries to notice spare the others.
    redis = CircuitBreaker(config.redis_deadline_s)
    vectors, shoppers, responder = (
        QueryEmbedder(services, batcher),
        ShopperProfiles(services, redis),
        ResponseBuilder(services),
    )
    searcher = Searcher(services, vectors, CachedRetriever(services, redis), shoppers, responder)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        background = [asyncio.create_task(one) for one in (searcher.parser.keep_fresh(), vectors.text_trust.run())]
        try:
            yield
        finally:
            for one in background:
                one.cancel()
            await asyncio.gather(*background, batcher.aclose(), return_exceptions=True)

    return Starlette(
        routes=[
            *SearchRoutes(services, searcher, Recommender(services, shoppers, responder)).routes(),
            *ExplainRoute(services, ProductExplainer(services, searcher)).routes(),
            *ProductRoutes(services).routes(),
            *UserRoutes(services).routes(),
            *OperationRoutes(services, openapi_document()).routes(),
        ],
        middleware=[
            Middleware(Measured),
            Middleware(SecurityHeaders),
            Middleware(BodyLimit, max_bytes=config.max_body_bytes),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )


def _batcher(services: QueryPorts) -> EncoderBatcher:
    config = services.config
    return EncoderBatcher(
        services.encoder,
        services.encoder_thread,
        config.encode_batch,
        config.encode_waiting,
        config.encode_deadline_s,
        services.device_priority,
    )
