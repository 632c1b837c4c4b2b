"""Routes to what is stored: a product as indexed, and media."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encoders.spec import FloatArray
from indexer.hit_payload import image_url
from indexer.media_store import MediaStore
from indexer.ports import ProductStore
from indexer.records import StoredProduct
from indexer.rows import is_searchable
from query_api.errors import ProductNotFound
from query_api.http.access_guard import caller_of
from query_api.http.media_types import HEAD_BYTES, media_type
from query_api.http.problems import problem, problem_response
from query_api.http.shopper_bounds import shows_product


class ProductRoutes:
    """`/v1/products/{id}` and `/media/{hash}`."""

    def __init__(self, store: ProductStore, media: MediaStore, deadline_s: float, media_max_age_s: int) -> None:
        """Args: media_max_age_s: how long others may keep a copy of a picture, clip or sound."""
        self._media_max_age_s = media_max_age_s
        self._store = store
        self._media = media
        self._deadline_s = deadline_s

    def routes(self) -> list[Route]:
        """Starlette's routes."""
        return [Route("/v1/products/{product_id:segment}", self.product), Route("/media/{digest}", self.media)]

    async def product(self, request: Request) -> Response:
        product_id = request.path_params["product_id"]
        async with asyncio.timeout(self._deadline_s):
            found = (await self._store.read([product_id])).get(product_id)
        if found is None or not _is_shown(request, product_id, *found):
            raise ProductNotFound(f"no product has the id {product_id[:100]}")
        return Response(msgspec.json.encode(_product_fields(product_id, found[0])), media_type="application/json")

    async def media(self, request: Request) -> Response:
        digest = request.path_params["digest"]
        etag = f'"{digest}"'
        async with asyncio.timeout(self._deadline_s):
            data = await self._media.get(digest)
        kind = media_type(data[:HEAD_BYTES]) if data else None
        if data is None or kind is None:
            return problem_response(problem(404, "no such picture, clip or sound is stored"))
        headers = {
            "etag": etag,
            # The name is the content's hash: what it stands for never changes, but it may go, and so must the copies.
            "cache-control": f"public, max-age={self._media_max_age_s}, immutable",
            "content-security-policy": "default-src 'none'; sandbox",
        }
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(data, headers=headers, media_type=kind)


def _is_shown(request: Request, product_id: str, stored: StoredProduct, vector: FloatArray) -> bool:
    is_there = is_searchable(stored) or not stored.state.deleted
    return is_there and shows_product(caller_of(request), product_id, stored, vector)


def _product_fields(product_id: str, stored: StoredProduct) -> dict[str, Any]:
    fields = stored.state.fields
    images = [{"url": image_url(image)} for image in fields.get("images") or ()]
    return {
        "product_id": product_id,
        "version": stored.state.version,
        "searchable": is_searchable(stored),
        "incomplete": stored.incomplete,
        "image_url": images[0]["url"] if images else None,
        **{name: value for name, value in fields.items() if name not in ("product_id", "version", "images")},
        "images": images,
        **_comparison_fields(stored),
    }


def _comparison_fields(stored: StoredProduct) -> dict[str, Any]:
    """What comparison with other products suggests, beside what its merchant says."""
    fields = {"suggestions": stored.suggestions, "duplicates": stored.duplicates}
    return {name: value for name, value in fields.items() if value}
