"""Routes to what is stored: a product as indexed."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from encoders.spec import FloatArray
from indexer.hit_payload import image_url
from indexer.ports.products import ProductStore
from indexer.records import StoredProduct
from indexer.rows import is_searchable
from query_api.errors import ProductNotFound
from query_api.http.access_guard import caller_of
from query_api.http.routes.shopper_bounds import shows_product
from query_api.http.work import Work


class ProductRoutes:
    """`/v1/products/{id}`."""

    def __init__(self, store: ProductStore, work: Work) -> None:
        self._store = store
        self._work = work

    def routes(self) -> list[Route]:
        """Starlette's routes."""
        return [Route("/v1/products/{product_id:segment}", self.product)]

    async def product(self, request: Request) -> Response:
        product_id = request.path_params["product_id"]
        async with self._work.begin("product"):
            found = (await self._store.read([product_id])).get(product_id)
        if found is None or not _is_shown(request, product_id, *found):
            raise ProductNotFound(f"no product has the id {product_id[:100]}")
        return Response(msgspec.json.encode(_product_fields(product_id, found[0])), media_type="application/json")


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
