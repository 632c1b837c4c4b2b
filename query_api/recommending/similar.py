"""Products like another."""

from __future__ import annotations

from query_api.contract.requests import SearchRequest
from query_api.contract.responses import SearchResponse
from query_api.embedding.product_vectors import ProductVectors
from query_api.search.searcher import Searcher


class SimilarProducts:
    """Finds products like one that is indexed."""

    def __init__(self, products: ProductVectors, searcher: Searcher) -> None:
        self._products = products
        self._searcher = searcher

    async def similar(self, request: SearchRequest) -> SearchResponse:
        """Products like `request.product_id`, by a search with it.

        Raises:
            ProductNotFound: it is not indexed.
            InvalidRequest, StoreUnavailable, EncoderBusy: as `Searcher.search`.
        """
        await self._products.parts_of(request.product_id or "", request.fixed_filters)
        return await self._searcher.search(request)
