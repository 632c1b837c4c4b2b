"""What a look at the catalogue with no query takes: in which order, and how far. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.criteria import SortOrder
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest, Sort

FIRST_PAGES_LIMIT = 1_000
"""How many products are fetched where just one of the first pages is wanted."""
_ORDERS: Mapping[Sort, SortOrder] = {
    "price": SortOrder("price"),
    "-price": SortOrder("price", descending=True),
    "newest": SortOrder("created_at", descending=True),
}


def browse_order(sort: Sort) -> SortOrder | None:
    """The order of the products; None: by id, as nothing else tells them apart."""
    return _ORDERS.get(sort)


def browse_limit(request: SearchRequest, config: QueryConfig) -> int:
    """How many of the first products are looked at: few steps, so that pages share what the cache keeps of them."""
    last = request.offset + request.k
    shallow = min(FIRST_PAGES_LIMIT, config.browse_candidates)
    # Facets, groups and a shopper's taste are the better the more is seen.
    if last <= shallow and not (request.facets or request.group or request.user_id):
        return shallow
    return max(config.browse_candidates, last)
