"""Which worker reports on an event, where workers of several generations of the index read the same events."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streams.delivery.messages import Message
from streams.delivery.retry_headers import is_for_generation


@dataclass(frozen=True, slots=True)
class GenerationRole:
    """What a worker publishes: dead letters and index changes come from the active generation's workers.

    Workers of a generation that is being built publish neither. Those of the generation that was active before go on
    for a while after a switch, as the new one's workers may not have got to the same events: twice is better than
    never.
    """

    generation: str
    active: bool = True
    reports_until_ms: float = math.inf
    """Events that Kafka took later are not reported on, Unix milliseconds."""

    def reports_on(self, message: Message) -> bool:
        """Whether to publish what became of a message."""
        return message.timestamp_ms <= self.reports_until_ms

    def may_retry(self, message: Message) -> bool:
        """Whether to send a message along the delay lines.

        The active generation also takes over the retries of others, whose workers may be gone by then.
        """
        return self.active or is_for_generation(message, self.generation)
