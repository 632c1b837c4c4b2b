"""A client of the query worker: `Client(url).search("blue hoodie")`."""

from __future__ import annotations

import base64
import json
import os
import ssl
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from vitrine.errors import NotRunning, SearchRefused

T = TypeVar("T")

Media = bytes | str
"""A picture, sound or clip: its bytes, or its URL."""
API_KEY_VARIABLE = "VITRINE_API_KEY"
NO_CACHE_HEADERS = {"cache-control": "no-cache"}
"""Headers of a client whose searches go past the worker's cache."""


class SearchHit(Struct, frozen=True, omit_defaults=True):
    """A product found."""

    product_id: str
    score: float
    title: str | None = None
    price: float | None = None
    currency: str | None = None
    brand: str | None = None
    category: str | None = None
    image_url: str | None = None
    suggested: dict[str, list[str]] | None = None
    explanation: dict[str, Any] | None = None
    reason: str | None = None
    """Why it is recommended, in a sentence."""
    because: dict[str, str] | None = None
    """What the shopper did that the reason speaks of: `did` and `product_id`."""


class SearchResults(Struct, frozen=True, omit_defaults=True):
    """What a search found, the best first."""

    query_id: str
    hits: list[SearchHit]
    total: int
    took_ms: float
    facets: dict[str, Any] | None = None
    approximate: bool = False
    cache: str | None = None
    degraded: list[str] = []
    generation: str | None = None
    index_age_ms: float | None = None
    did_you_mean: str | None = None
    corrected: bool = False
    understood: dict[str, Any] | None = None
    nearest: list[SearchHit] = []
    """What comes nearest, where nothing matches."""


class Client:
    """A query worker over HTTP; close it, or use it as a context manager. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        timeout_s: float = 30.0,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        api_key: str | None = None,
        verify: bool = True,
    ) -> None:
        """Connect with the first call.

        Args:
            url: the worker's base URL.
            timeout_s: for connecting and for each answer.
            transport: httpx's.
            api_key: an API key or a token; None: that of the environment's `VITRINE_API_KEY`, if there is one.
            verify: whether an `https` worker must prove its name, by the system's certificate authorities or those of
                the environment's `SSL_CERT_FILE`.
        """
        self.url = url.rstrip("/")
        key = os.environ.get(API_KEY_VARIABLE, "") if api_key is None else api_key
        sent = ({"authorization": f"Bearer {key}"} if key else {}) | dict(headers or {})
        is_verified = verify and self.url.startswith("https")
        # A proxy of the environment has no business between this machine and its own servers.
        self._http = httpx.Client(
            base_url=self.url,
            timeout=timeout_s,
            headers=sent,
            transport=transport,
            trust_env=False,
            verify=ssl.create_default_context() if is_verified else False,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def search(
        self,
        text: str | None = None,
        *,
        image: Media | None = None,
        audio: Media | None = None,
        video: Media | None = None,
        product_id: str | None = None,
        parts: Sequence[Mapping[str, Any]] = (),
        user_id: str | None = None,
        k: int = 10,
        filters: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> SearchResults:
        """Search by words, a picture, a sound, a clip or a product, or several of these.

        Args:
            parts: more to search with, each a `text`, `image` or `product_id` with its `weight` (below 0: away from
                it; default 1).
            user_id: whose taste orders the results.
            filters: as `POST /v1/search` takes them: `{"price": {"lt": 50}, "brand": ["a", "b"]}`.
            more: other fields of the request: `offset`, `facets`, `mode`, `weights`, `explain`, `group`, `sort`,
                `correct`, `price_phrases`, `exclusion_phrases`, `floor`.

        Raises:
            NotRunning: nothing answers at the URL.
            SearchRefused: the worker answered with a problem; the message is its own.
        """
        fields = {
            "text": text,
            "product_id": product_id,
            "user_id": user_id,
            "k": k,
            "filters": filters or None,
            **more,
        }
        fields["parts"] = [_part(part) for part in parts] or None
        body = _media_fields(image, audio, video) | _stated(fields)
        return _decoded(self._post("/v1/search", body), SearchResults)

    def recommend(
        self, user_id: str, kind: str = "for_you", *, filters: Mapping[str, Any] | None = None, **more: Any
    ) -> SearchResults:
        """Products for a shopper, with no query.

        Args:
            kind: `for_you`, `continue` (`session_id`, else the visit of just now), `again`, `together` and `similar`
                (need `product_id`), `recent`, `trending` (needs `category`) or `new`.
            filters: as `search` takes them.
            more: other fields of the request: `product_id`, `session_id`, `category`, `k`, `offset`, `facets`,
                `group`, `diversity`, `max_per_brand`, `max_per_category`.

        Raises: what `search` raises.
        """
        fields = _stated({"kind": kind, "filters": json.dumps(filters) if filters else None, **more})
        texts = {name: ",".join(value) if isinstance(value, list) else value for name, value in fields.items()}
        response = self._ask("GET", f"/v1/users/{quote(user_id, safe='')}/recommendations", params=texts)
        return _decoded(response, SearchResults)

    def tell(self, event_type: str, **data: Any) -> str:
        """Tell what a shopper did, is like or allows: `tell("user.viewed", user_id="ada", product_id="mug")`.

        Returns:
            The event's id.

        Raises: what `search` raises.
        """
        response = self._ask("POST", "/v1/events", json={"type": event_type, "data": data})
        return _decoded(response, dict[str, str])["id"]

    def explain(
        self,
        product: str,
        /,
        text: str | None = None,
        *,
        image: Media | None = None,
        audio: Media | None = None,
        video: Media | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Say where a product stands in a search, or why it is not in it: the answer of `POST /v1/explain`.

        Args:
            product: the id of the product.
            more: other fields of the search request, as `search` takes them.

        Raises: what `search` raises.
        """
        query = _media_fields(image, audio, video) | _stated({"text": text, **more})
        response = self._post("/v1/explain", {"query": query, "product_id": product})
        return _decoded(response, dict[str, Any])

    def _post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise NotRunning(f"no query worker answers at {self.url} ({why}); start one with `vitrine up`") from error
        if response.is_error:
            raise SearchRefused(_problem(response), response.status_code)
        return response


def shopper_token(
    secret: str,
    user_id: str,
    *,
    filters: Mapping[str, Any] | None = None,
    expires_s: float = 3_600.0,
    scopes: Iterable[str] = ("search", "events"),
    key_id: str = "",
) -> str:
    """A token that a shopper's browser searches with, for themselves alone; made on the shop's server.

    Args:
        secret: one of the worker's `query.token_secret`, without its id.
        filters: what everything that they are shown has to pass: `{"in_stock": True}`.
        expires_s: how long it is good for.
        key_id: the secret's id.

    Raises:
        InvalidAccess: the shopper, a scope or the filters are not possible.
    """
    from query_api.access.shopper_tokens import mint_shopper_token

    return mint_shopper_token(secret, user_id, filters=filters, expires_s=expires_s, scopes=scopes, key_id=key_id)


def _stated(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _media(value) if name == "image" else value for name, value in part.items()}


def _media_fields(image: Media | None, audio: Media | None, video: Media | None) -> dict[str, Any]:
    given = (("image", image), ("audio", audio), ("video", video))
    return {name: _media(media) for name, media in given if media is not None}


def _media(media: Media) -> str | dict[str, str]:
    return base64.b64encode(media).decode() if isinstance(media, bytes) else {"url": media}


def _decoded(response: httpx.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.DecodeError as error:
        raise SearchRefused(f"{response.url} is no query worker: {error}", response.status_code) from error


def _problem(response: httpx.Response) -> str:
    """An RFC 9457 problem document in one line."""
    try:
        problem = response.json()
        said = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
    except (ValueError, AttributeError):
        said = []
    told = f"the query worker answered {response.status_code}: {'; '.join(said) or response.reason_phrase}"
    return told + _way_out(response)


def _way_out(response: httpx.Response) -> str:
    if response.status_code == 401:
        made = "make one by `vitrine apikey create --scope search`"
        sent = "authorization" in response.request.headers
        return f"; {API_KEY_VARIABLE} has no good key, {made}" if sent else f"; set {API_KEY_VARIABLE} to a key, {made}"
    if response.status_code == 403:
        return f"; set {API_KEY_VARIABLE} to a key that has it, `vitrine apikey list` shows what keys have"
    if response.status_code == 429:
        return f"; again in {response.headers.get('retry-after', '1')} s"
    return ""
