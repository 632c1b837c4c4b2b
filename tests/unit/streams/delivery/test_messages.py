"""Acknowledgement: a contiguous prefix per partition, in offset order, however work finishes."""

from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.messages import Message, PrefixAcknowledger


def messages(count: int, partitions: int = 1) -> tuple[list[Message], list[tuple[int, int]]]:
    """`count` messages over partitions, and the list that their acknowledgements go to."""
    acked: list[tuple[int, int]] = []
    made = []
    for n in range(count):
        at = (n % partitions, n // partitions)
        made.append(Message("t", *at, 0, None, b"", {}, ack=lambda at=at: acked.append(at)))
    return made, acked


@given(st.integers(1, 12), st.integers(1, 3), st.data())
def test_what_is_acknowledged_is_always_a_complete_prefix(count, partitions, data):
    made, acked = messages(count, partitions)
    acknowledger = PrefixAcknowledger()
    for message in made:
        acknowledger.receive(message)
    finished: set[tuple[int, int]] = set()
    for message in data.draw(st.permutations(made)):
        acknowledger.mark_done([message])
        finished.add((message.partition, message.offset))
        for partition in range(partitions):
            offsets = [offset for where, offset in acked if where == partition]
            assert offsets == list(range(len(offsets)))
            assert {(partition, offset) for offset in offsets} <= finished
            assert (partition, len(offsets)) not in finished
    assert len(acked) == count


def test_messages_of_a_partition_that_was_taken_away_are_never_acknowledged():
    made, acked = messages(4)
    acknowledger = PrefixAcknowledger()
    for message in made:
        acknowledger.receive(message)
    acknowledger.mark_done(made[2:])
    acknowledger.revoke([("t", 0)])
    acknowledger.mark_done(made)
    assert acked == []


def test_a_partition_that_comes_back_starts_anew():
    first, _ = messages(3)
    again, acked = messages(3)
    acknowledger = PrefixAcknowledger()
    for message in first:
        acknowledger.receive(message)
    acknowledger.revoke([("t", 0)])
    for message in again:
        acknowledger.receive(message)
    acknowledger.mark_done(first)
    assert acked == []
    acknowledger.mark_done(again)
    assert acked == [(0, 0), (0, 1), (0, 2)]
