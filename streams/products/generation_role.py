"""What a worker tells the world, when workers of several generations of the index read the same events."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streams.delivery.messages import Message
from streams.delivery.retry_headers import is_for_generation


@dataclass(frozen=True, slots=True)
class GenerationRole:
    """Of each event, one generation's workers publish the dead letters and the index changes.

    Those of the active one, that is. Workers of the one that was active before also speak of events that came up to
    a while after the switch: whoever the switch overtook may not have got to them, and said twice is better than not
    at all. Workers of a generation that is being built are silent.
    """

    generation: str
    active: bool = True
    reports_until_ms: float = math.inf
    """Until when events have to have come to Kafka to be spoken of, Unix milliseconds."""

    def reports_on(self, message: Message) -> bool:
        """Whether to tell what became of a message."""
        return message.timestamp_ms <= self.reports_until_ms

    def may_retry(self, message: Message) -> bool:
        """Whether it is for this worker to send a message along the delay lines.

        The active generation also takes over what others began: they may be gone by then.
        """
        return self.active or is_for_generation(message, self.generation)
