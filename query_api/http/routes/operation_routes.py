"""Routes for operators and people: health, metrics, the search page, the documentation."""

from __future__ import annotations

import hashlib
import html
from importlib.resources import files
from typing import Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encoders.liveness.vitals import Complaint
from indexer.errors import StoreUnavailable
from query_api.http.problems import problem_response, unwell
from query_api.http.readiness import Readiness

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_PAGES = {"/": "index.html", "/docs": "docs.html"}


class OperationRoutes:
    """`/healthz`, `/readyz`, `/metrics`, `/openapi.json`, and the pages."""

    def __init__(self, readiness: Readiness, openapi: dict[str, Any], page_key: str = "") -> None:
        """Args: page_key: a public key that the search page is given; empty: none."""
        self._page_key = page_key
        self._readiness = readiness
        self._openapi = msgspec.json.encode(openapi)

    def routes(self) -> list[Route]:
        """Starlette's routes."""
        return [
            Route("/healthz", self.alive),
            Route("/readyz", self.ready),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
            *_page_routes(self._page_key),
        ]

    async def alive(self, _: Request) -> Response:
        """Alive while nothing is stuck. The loop that serves searches answers: no answer in time says that it hangs."""
        if complaints := self._readiness.vitals.not_alive():
            return problem_response(unwell("a part of this worker is stuck: it should be restarted", complaints))
        return _json({"status": "alive"})

    async def ready(self, _: Request) -> Response:
        """Ready while the product store answers, and all that a search needs."""
        complaints = self._readiness.vitals.not_ready()
        try:
            report = await self._readiness.report()
        except StoreUnavailable:
            detail, store = "the product store does not answer", Complaint("milvus", "does not answer")
            return problem_response(unwell(detail, [store, *complaints]), {"retry-after": "1"})
        if complaints:
            return problem_response(unwell("a part of this worker is not ready", complaints), {"retry-after": "1"})
        return _json(report)

    async def metrics(self, _: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def openapi(self, _: Request) -> Response:
        return Response(self._openapi, media_type="application/json")


def _json(content: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")


def _page_routes(page_key: str) -> list[Route]:
    """The page's files, read once: they ship with the package and never change under a running process."""
    page = files("query_api").joinpath("page")
    assets = {file.name: file.read_bytes() for file in page.iterdir() if file.is_file()}
    if page_key:
        meta = f'<head>\n  <meta name="vitrine-key" content="{html.escape(page_key)}">'
        assets["index.html"] = assets["index.html"].replace(b"<head>", meta.encode(), 1)
    paths = _PAGES | {f"/page/{name}": name for name in assets if not name.endswith(".html")}
    return [Route(path, _file_endpoint(name, assets[name])) for path, name in paths.items()]


def _file_endpoint(name: str, data: bytes) -> Any:
    etag = f'"{hashlib.blake2b(data, digest_size=8).hexdigest()}"'
    kind = _TYPES.get(f".{name.rpartition('.')[2]}", "application/octet-stream")
    headers = {"etag": etag, "cache-control": "no-cache"}

    async def page(request: Request) -> Response:
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(data, headers=headers, media_type=kind)

    return page
