from __future__ import annotations

import asyncio
from collections.abc import Sequence

from streams.delivery.publisher import MESSAGES_AT_ONCE, OutgoingMessage, publish_durably
from streams.errors import PublishFailed


class FailsOnce:
    """Takes all but the second lot that it is given, which it takes when it comes again."""

    def __init__(self) -> None:
        self.lots: list[Sequence[OutgoingMessage]] = []
        self.calls = 0

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        self.calls += 1
        if self.calls == 2:
            raise PublishFailed("not in time")
        self.lots.append(messages)


def test_many_messages_are_published_in_lots_of_which_a_failed_one_alone_is_repeated() -> None:
    messages = [OutgoingMessage("t", b"", b"%d" % at) for at in range(2 * MESSAGES_AT_ONCE + 1)]
    publisher = FailsOnce()
    asyncio.run(publish_durably(publisher, messages))
    assert [len(lot) for lot in publisher.lots] == [MESSAGES_AT_ONCE, MESSAGES_AT_ONCE, 1]
    assert [message for lot in publisher.lots for message in lot] == messages
    asyncio.run(publish_durably(publisher, []))
    assert len(publisher.lots) == 3
