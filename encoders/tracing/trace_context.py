"""W3C Trace Context: what a caller, or a message, says of the trace that it is part of.

What comes from outside is bounded: a `traceparent` that is not as the standard has it counts as none, a `tracestate`
that is longer than the standard asks to pass on is dropped, and baggage is neither read nor passed on.

Source: W3C Recommendation "Trace Context", level 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"
MAX_STATE_BYTES = 512
MAX_STATE_MEMBERS = 32
_TRACEPARENT = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    rb"-(?P<flags>[0-9a-f]{2})(?P<later>-[\x20-\x7e]*)?"
)
_STATE = re.compile(r"[\x20-\x7e]*")
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span as others refer to it."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    is_sampled: bool
    """Whether it is recorded, so that what follows it should be."""
    state: str = ""
    """What vendors keep in `tracestate`."""

    @property
    def headers(self) -> dict[str, bytes]:
        """The headers that say so."""
        headers = {TRACEPARENT: f"00-{self.trace_id}-{self.span_id}-{self.is_sampled:02x}".encode()}
        if self.state:
            headers[TRACESTATE] = self.state.encode()
        return headers


def read_context(traceparent: bytes, tracestate: bytes = b"") -> TraceContext | None:
    """What headers say; None: nothing that counts."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None or (found["version"] == b"00" and found["later"] is not None):
        return None
    is_sampled = bool(int(found["flags"], 16) & _SAMPLED)
    return TraceContext(found["trace"].decode(), found["span"].decode(), is_sampled, _bounded(tracestate))


def context_of_headers(headers: Mapping[str, bytes], prefix: str = "") -> TraceContext | None:
    """What a message's headers say. Args: prefix: of the headers' names, such as `ce_`."""
    traceparent = headers.get(prefix + TRACEPARENT)
    return read_context(traceparent, headers.get(prefix + TRACESTATE) or b"") if traceparent else None


def context_of_request(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext | None:
    """What a request's headers, lower-case, say; two parents are none."""
    parents: list[bytes] = []
    states: list[bytes] = []
    for name, value in headers:
        if name == b"traceparent":
            parents.append(value)
        elif name == b"tracestate":
            states.append(value)
    return read_context(parents[0], b",".join(states)) if len(parents) == 1 else None


def _bounded(state: bytes) -> str:
    text = state.decode("latin-1")
    fits = len(text) <= MAX_STATE_BYTES and text.count(",") < MAX_STATE_MEMBERS and _STATE.fullmatch(text)
    return text if fits else ""
