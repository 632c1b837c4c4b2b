"""The query worker's ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from query_api.http.access_guard import ACCESS_HANDLERS, cors_middleware, guarded
from query_api.http.edge import BodyLimit, Edge
from query_api.http.hot_search import HotSearch
from query_api.http.openapi.document import openapi_document
from query_api.http.problems import HANDLERS
from query_api.http.readiness import Readiness, StoreProbe
from query_api.http.routes.explain_route import ExplainRoute
from query_api.http.routes.media_route import MediaRoute
from query_api.http.routes.operation_routes import OperationRoutes
from query_api.http.routes.product_routes import ProductRoutes
from query_api.http.routes.search_routes import SearchRoutes
from query_api.http.routes.shopper_answers import ShopperAnswers
from query_api.http.routes.user_routes import UserRoutes
from query_api.http.traced_requests import traces_middleware
from query_api.http.work import RefuseWork, Work
from query_api.wiring.components import QueryComponents, wire
from query_api.wiring.ports import QueryPorts


def create_app(ports: QueryPorts, components: QueryComponents | None = None) -> Starlette:
    """The application over these ports, which stay the caller's to close after it has stopped.

    Args:
        ports: what it is made of.
        components: as `wire` makes them of the ports; None: it does so itself.

    Raises:
        InvalidSynonyms: the configured file of synonyms cannot be used.
    """
    components = components or wire(ports)
    answers = ShopperAnswers(components, ports.beside)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        background = [asyncio.create_task(run()) for run in components.background]
        for run, task in zip(components.background, background, strict=True):
            ports.vitals.watch_task(run.__qualname__.partition(".")[0], task)
        try:
            yield
        finally:
            ports.vitals.retire()
            for task in background:
                task.cancel()
            await asyncio.gather(*background, components.aclose(), return_exceptions=True)

    routes = _routes(ports, components, answers)
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Edge, hosts=ports.gate.hosts if ports.gate else None),
            *traces_middleware(ports.tracer, routes),
            *cors_middleware(ports.gate),
            Middleware(HotSearch, answers=answers, gate=ports.gate),
            Middleware(BodyLimit, max_bytes=ports.config.max_body_bytes),
            Middleware(RefuseWork, lanes=ports.lanes),
        ],
        exception_handlers=HANDLERS | ACCESS_HANDLERS,
        lifespan=lifespan,
    )


def _routes(ports: QueryPorts, components: QueryComponents, answers: ShopperAnswers) -> list[Route]:
    config, work = ports.config, Work(ports.lanes, ports.config.deadline_s)
    readiness = Readiness(
        StoreProbe(ports.store),
        ports.store.has_full_text,
        ports.change_log,
        components.index,
        ports.lag,
        ports.encoder.spec.key,
        ports.recogniser.key if ports.recogniser else None,
        config.redis_deadline_s,
        ports.vitals,
    )
    routes = [
        *SearchRoutes(answers, components.similar, config, work).routes(),
        *ExplainRoute(components.explainer, config, work).routes(),
        *ProductRoutes(ports.store, work).routes(),
        *MediaRoute(ports.media_store, config.deadline_s, config.media_max_age_s).routes(),
        *UserRoutes(ports.personal_data, ports.publisher, config).routes(),
        *OperationRoutes(readiness, openapi_document(), config.page_key).routes(),
    ]
    return guarded(routes, ports.gate)
