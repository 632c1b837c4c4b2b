"""Which searches' answers are kept, and under what. Pure."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import structs

from query_api.cache.pages import PageKey
from query_api.contract.requests import SearchRequest
from query_api.search.search_plan import canonical_filters

_encoder = msgspec.json.Encoder(order="deterministic")


class KeptSearch(NamedTuple):
    """A search whose answers are kept, with what does not change from one time that it is asked for to the next."""

    request: SearchRequest
    writing: bytes
    """The request in one writing: of a shopper, as anybody's."""

    @classmethod
    def of(cls, request: SearchRequest) -> KeptSearch:
        """A search that `is_kept`."""
        if request.user_id is None:
            return cls(request, _encoder.encode(request))
        plain = _encoder.encode(structs.replace(request, user_id=None))
        return cls(request, b"".join((plain, *canonical_filters(request.fixed_filters))))

    def page_key(self, versions: tuple[int, ...]) -> PageKey:
        """What its answer is kept under: of a shopper, anybody's. Args: versions: `SearchPlanner.versions`."""
        return PageKey(self.writing, versions, None if self.request.user_id is None else "")


def is_kept(request: SearchRequest) -> bool:
    """Whether answers to such a request are kept."""
    return is_for_anybody(request) if request.user_id is None else is_for_any_shopper(request)


def is_for_anybody(request: SearchRequest) -> bool:
    """Whether an answer is the same whoever asks, and made of the request's candidates alone."""
    return type(request) is SearchRequest and request.user_id is None and _is_of_candidates(request)


def is_for_any_shopper(request: SearchRequest) -> bool:
    """Whether shoppers' answers differ in the order of hits alone, and nothing but scores says which are shown."""
    is_by_score = request.sort == "relevance" and not request.group
    return request.user_id is not None and is_by_score and _is_of_candidates(request)


def has_media(request: SearchRequest) -> bool:
    """Whether something has to be decoded for it."""
    has_clip = request.image is not None or request.audio is not None or request.video is not None
    return has_clip or any(part.image is not None for part in request.parts)


def _is_of_candidates(request: SearchRequest) -> bool:
    # Explanations, and counts without a field's own filter, are read of the index beside the candidates.
    return not (request.explain or request.multi_select or has_media(request))
