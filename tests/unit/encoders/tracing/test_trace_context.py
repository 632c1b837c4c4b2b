"""What callers and messages say of their traces: as the standard has it, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders.tracing.trace_context import (
    MAX_STATE_BYTES,
    TraceContext,
    context_of_headers,
    context_of_request,
    read_context,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01".encode()


def ids(digits: int) -> st.SearchStrategy[str]:
    return st.integers(1, 16**digits - 1).map(lambda number: f"{number:0{digits}x}")


@given(ids(32), ids(16), st.booleans(), st.sampled_from(["", "a=1", "vendor=x,other=y z"]))
def test_what_is_written_is_read_back(trace_id, span_id, is_sampled, state):
    context = TraceContext(trace_id, span_id, is_sampled, state)
    assert context_of_headers(context.headers) == context
    assert context_of_request([(name.encode(), value) for name, value in context.headers.items()]) == context


@given(st.binary(max_size=80) | st.text("0123456789abcdef-", max_size=60).map(str.encode))
def test_nothing_that_is_sent_raises(header):
    found = read_context(header, header)
    assert found is None or found.headers["traceparent"][3:52] == header[3:52]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"00",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + b"-00",
        PARENT + b"\n",
        b" " + PARENT,
        b"ff" + PARENT[2:],
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE}-{SPAN}-0x".encode(),
    ],
)
def test_what_is_not_as_the_standard_has_it_counts_as_nothing(header):
    assert read_context(header) is None


def test_a_later_version_is_read_as_far_as_it_is_known():
    assert (
        read_context(b"cc" + PARENT[2:] + b"-what-comes-next")
        == read_context(PARENT)
        == TraceContext(TRACE, SPAN, True)
    )
    assert read_context(PARENT[:-2] + b"fe") == TraceContext(TRACE, SPAN, False)


@pytest.mark.parametrize("state", [b"a=" + b"1" * MAX_STATE_BYTES, b",".join([b"a=1"] * 40), "a=ä".encode(), b"a=\x00"])
def test_a_state_that_is_too_much_is_dropped_and_the_parent_counts(state):
    assert read_context(PARENT, state) == TraceContext(TRACE, SPAN, True)


def test_two_parents_are_none_and_two_states_are_one():
    assert context_of_request([(b"traceparent", PARENT)] * 2) is None
    states = [(b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    found = context_of_request([(b"traceparent", PARENT), *states])
    assert found is not None and found.state == "a=1,b=2"
