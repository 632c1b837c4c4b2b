"""Where events are on their way to the index, by what a worker says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_STAGE = re.compile(r'vitrine_stage_seconds_sum\{stage="(\w+)"\}')


class Stage(NamedTuple):
    """A stage of the pipeline; stages overlap, of one batch and of several."""

    name: str
    mean_ms: float
    """Of a batch; of an event where it waits for its batch."""
    events: float
    """So many are in it at a time. Source: Little, 1961, "A Proof for the Queuing Formula: L = λ W"."""


def stages(spent: Mapping[str, float], took_s: float) -> list[Stage]:
    """The stages of batches, and before them the waits for a batch and for the end.

    Args:
        spent: by how much the worker's metrics grew.
        took_s: in how many seconds.
    """
    events, batches = spent["vitrine_batch_events_sum"], spent["vitrine_batch_events_count"]
    waited_s = spent["vitrine_event_to_batch_seconds_sum"]
    size = events / max(batches, 1)
    found = [
        Stage(f"before a batch, of {size:.1f} events", 1000 * waited_s / max(events, 1), waited_s / took_s),
    ]
    for key, seconds in spent.items():
        if (match := _STAGE.fullmatch(key)) and (count := spent[key.replace("_sum", "_count")]):
            found.append(Stage(match[1], 1000 * seconds / count, size * seconds / took_s))
    return found
