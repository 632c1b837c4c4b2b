"""Heads of answers, written with the first of their bodies."""

from __future__ import annotations

from typing import Any

from query_api.http.answer_transport import AnswerTransport


class Written:
    """A transport that notes each write."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def writelines(self, parts: Any) -> None:
        self.calls.append(b"".join(parts))

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def over(written: Written) -> AnswerTransport:
    return AnswerTransport(written)  # type: ignore[arg-type]


def test_a_head_goes_with_the_first_of_its_body_and_the_rest_as_it_comes() -> None:
    written = Written()
    transport = over(written)
    for data in (b"head\r\n\r\n", b"one", b"two"):
        transport.write(data)
    transport.flush()
    assert written.calls == [b"head\r\n\r\none", b"two"]


def test_a_head_without_a_body_goes_when_the_answer_is_complete_or_the_connection_closed() -> None:
    for end in (AnswerTransport.flush, AnswerTransport.close, lambda transport: transport.write(b"")):
        written = Written()
        transport = over(written)
        transport.write(b"head\r\n\r\n")
        assert not written.calls
        end(transport)
        assert written.calls == [b"head\r\n\r\n"]
        assert transport.is_closing() == (end is AnswerTransport.close)


def test_what_asks_for_the_body_is_not_kept_back() -> None:
    written = Written()
    transport = over(written)
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    transport.write(b"head\r\n\r\n")
    transport.write(b"body")
    assert written.calls == [b"HTTP/1.1 100 Continue\r\n\r\n", b"head\r\n\r\nbody"]
