"""A search by a shopper's token."""

from __future__ import annotations

from indexer.criteria import Filters
from query_api.contract.requests import SearchRequest


class ShopperSearchRequest(SearchRequest):
    """A search with filters that are not the caller's to loosen; made here, never read from a body."""

    token_filters: Filters = ()

    @property
    def fixed_filters(self) -> Filters:
        return self.token_filters
