"""HTTP requests to the query worker: mutated ones of every route, and bytes that are hardly HTTP."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tests.fuzz import seeds
from tests.fuzz.mutation import HOSTILE_TEXTS, mutate_bytes, mutate_value

_SEARCHES = seeds.searches()
_EVENTS = [
    {"type": event["type"], "data": event["data"]}
    for event in seeds.events(1, "2026-01-01T00:00:00Z")
    if event["type"].startswith("user.")
]
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW")
PATHS = (
    "/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/v1/search", "/v1/explain", "/v1/events",
    "/v1/products/fuzz-1", "/v1/products/fuzz-1/similar", "/v1/users/u1/recommendations", "/v1/users/u1",
    "/media/" + "0" * 64, "/page/page.js", "/page/../config", "/v1/users/x%2Frecommendations",
)  # fmt: skip
HEADERS = ("range", "if-none-match", "authorization", "cookie", "origin", "accept", "x-forwarded-for", "expect", "te")
_BOUNDARY = "fuzzfuzz"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes onto the wire."""

    method: str
    content: bytes


def mutated_request(rng: random.Random, authority: str, media: Sequence[str]) -> Request:
    """A request that is broken somewhere, or, now and then, not at all.

    Args:
        authority: the server's, for `Host`.
        media: paths of stored media.
    """
    make = rng.choices(tuple(_KINDS), tuple(_KINDS.values()))[0]
    return make(rng, authority, media)


def raw_bytes(rng: random.Random, authority: str) -> bytes:
    """Bytes that are nearly a request: a mutated head, a body that is framed wrongly."""
    body = b'{"text": "dress"}'
    framing = rng.choice(_FRAMINGS)
    head = f"POST /v1/search HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n".encode()
    whole = head + framing + b"\r\n" + body
    return mutate_bytes(whole, rng, (whole, b"GET / HTTP/1.1\r\n\r\n")) if rng.random() < 0.7 else whole


_FRAMINGS = (
    b"Content-Length: 17\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 17\r\nContent-Length: 3\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    b"Content-Length: 17\r\nX: " + b"a" * 70_000 + b"\r\n",
    b"Content-Length: 17\r\n" + b"X-Many: 1\r\n" * 500,
    b"Content-Length : 17\r\n",
    b"Content-Length: 17\r\n X: folded\r\n",
    b"Expect: 100-continue\r\nContent-Length: 17\r\n",
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 17\r\n",
)


def _search_in_json(rng: random.Random, authority: str, _: Sequence[str]) -> Request:
    path, value = "/v1/search", rng.choice(_SEARCHES)
    if rng.random() < 0.3:
        path, value = "/v1/explain", {"query": value, "product_id": "fuzz-1"}
    body = json.dumps(value if rng.random() < 0.05 else mutate_value(value, rng)).encode()
    return _post(path, authority, "application/json", mutate_bytes(body, rng) if rng.random() < 0.4 else body)


def _event(rng: random.Random, authority: str, _: Sequence[str]) -> Request:
    body = json.dumps(mutate_value(rng.choice(_EVENTS), rng)).encode()
    return _post("/v1/events", authority, "application/json", mutate_bytes(body, rng) if rng.random() < 0.5 else body)


_RECOMMENDATIONS = ("for_you", "continue", "again", "together", "similar", "recent", "trending", "new")


def _search_in_parameters(rng: random.Random, authority: str, _: Sequence[str]) -> Request:
    fields = {**rng.choice(_SEARCHES), "k": 5}
    fields.pop("image", None)
    if rng.random() < 0.3:
        fields = {
            "kind": rng.choice(_RECOMMENDATIONS),
            "product_id": "fuzz-1",
            "session_id": "s",
            "category": "Men",
            "diversity": 1,
        }
    mutated = mutate_value(fields, rng)
    pairs = mutated.items() if isinstance(mutated, dict) else [("q", mutated)]
    query = "&".join(f"{quote(str(name), '')[:500]}={quote(_as_parameter(value), '')[:4_000]}" for name, value in pairs)
    path = rng.choice(("/v1/search", "/v1/products/fuzz-1/similar", "/v1/users/u1/recommendations"))
    target = f"{path}?{query}".encode()
    if rng.random() < 0.3:
        target = _legal(mutate_bytes(target, rng))
    return Request("GET", b"GET " + target + f" HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())


def _form(rng: random.Random, authority: str, _: Sequence[str]) -> Request:
    path, fields = "/v1/search", {"text": "red dress", "k": "5", "facets": "brand"}
    if rng.random() < 0.3:
        path, fields = "/v1/explain", {"query": json.dumps(rng.choice(_SEARCHES)), "product_id": "fuzz-1"}
    fields = mutate_value(fields, rng)
    pairs = fields.items() if isinstance(fields, dict) else [("text", fields)]
    charset = rng.choice(
        ("", "; charset=utf-8", "; charset=punycode", "; charset=utf-7", "; charset=idna", "; charset=x")
    )
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: text/plain{charset}\r\n\r\n'
        f"{_as_parameter(value)}\r\n".encode(errors="replace")
        for name, value in pairs
    ]
    if rng.random() < 0.4:
        picture = mutate_bytes(rng.choice(seeds.pictures()), rng)
        name = rng.choice(("image", "audio", "video", "file"))
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a"\r\n\r\n'
        parts.append(head.encode() + picture + b"\r\n")
    body = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
    if rng.random() < 0.3:
        body = mutate_bytes(body, rng)
    return _post(path, authority, f"multipart/form-data; boundary={_BOUNDARY}", body)


def _any_path(rng: random.Random, authority: str, media: Sequence[str]) -> Request:
    method, path = rng.choice(METHODS), rng.choice((*PATHS, *media))
    if rng.random() < 0.5:
        path = _legal(mutate_bytes(path.encode(), rng)).decode("latin-1")
    headers = "".join(
        f"{rng.choice(HEADERS)}: {_legal_header(rng.choice(HOSTILE_TEXTS))}\r\n" for _ in range(rng.randrange(4))
    )
    if rng.random() < 0.2:
        headers += f"range: bytes={rng.choice(('0-0', '-1', '5-2', '0-', '99999999999-', '0-1,3-4', 'x'))}\r\n"
    head = f"{method} {path} HTTP/1.1\r\nHost: {authority}\r\n{headers}\r\n"
    return Request(method, head.encode("latin-1", errors="replace"))


_KINDS: dict[Callable[[random.Random, str, Sequence[str]], Request], float] = {
    _search_in_json: 0.4,
    _search_in_parameters: 0.2,
    _event: 0.15,
    _form: 0.1,
    _any_path: 0.15,
}


def _post(path: str, authority: str, kind: str, body: bytes) -> Request:
    head = f"POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return Request("POST", head.encode() + body)


def _as_parameter(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode(errors="replace").decode()


def _legal(target: bytes) -> bytes:
    """A request's target without what would end its line."""
    return bytes(byte for byte in target if byte > 0x20 and byte != 0x7F)[:8_000] or b"/"


def _legal_header(text: str) -> str:
    return "".join(character for character in text if " " <= character < "\x7f")[:2_000]
