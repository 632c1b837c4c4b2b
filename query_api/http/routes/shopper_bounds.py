"""What a caller's key or token makes of a request: for whom they may ask, and what they may be shown."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request

from encoders.spec import FloatArray
from indexer.filters import matches
from indexer.records import StoredProduct
from indexer.rows import build_row
from query_api.access.callers import Caller
from query_api.contract.requests import SearchRequest
from query_api.contract.shopper_requests import ShopperSearchRequest
from query_api.errors import NotAuthorised
from query_api.http.access_guard import caller_of
from streams.events.schema import Event, UserInteraction, UserSearched


def bounded_search(request: Request, search: SearchRequest) -> SearchRequest:
    """The search as its caller may have it.

    Raises:
        NotAuthorised: it is for a shopper whom they may not ask for.
    """
    caller = caller_of(request)
    if search.user_id is not None:
        caller.check_user(search.user_id)
    if caller.kind != "shopper":
        return search
    fields: dict[str, Any] = msgspec.structs.asdict(search)
    fields |= {"user_id": caller.user_id, "token_filters": caller.filters}
    return ShopperSearchRequest(**fields)


def check_event(request: Request, event: Event) -> None:
    """Raises `NotAuthorised` for an event that its caller may not tell.

    A shopper tells what they themselves did, and nothing else: whose history is joined to whose, and what somebody is
    like, are for the shop's servers.
    """
    caller = caller_of(request)
    if caller.kind not in ("shopper", "public"):
        return
    data = event.data
    if not isinstance(data, UserInteraction | UserSearched):
        raise NotAuthorised(f"type: a shopper's token cannot tell {event.type[:80]}")
    caller.check_user(data.user_id)


def shows_product(caller: Caller, product_id: str, stored: StoredProduct, vector: FloatArray) -> bool:
    """Whether a caller may see a product, of fused vector (2·dim,)."""
    return not caller.filters or matches(build_row(product_id, stored, vector), caller.filters)
