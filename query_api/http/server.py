"""The HTTP server of a query worker: uvicorn, with the worker's limits."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

from query_api.config import QueryConfig

DRAIN_S = 10
"""How long requests under way may take when the worker is told to stop."""


def build_server(app: ASGIApp, config: QueryConfig) -> uvicorn.Server:
    """A server of an application whose life its caller looks after; `serve()` answers until SIGTERM or SIGINT."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=config.host,
            port=config.port,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # Whom the worker believes is for query.trusted_proxies to say.
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN_S,
        )
    )
