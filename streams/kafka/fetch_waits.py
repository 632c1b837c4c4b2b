"""No event waits behind a fetch that leaves its partition out.

aiokafka has one fetch at a time under way to a broker, and leaves out partitions whose last events nobody has taken
yet. Faust lets a broker hold a fetch for 1.5 s until there is something. So whenever a worker lagged by a tenth of a
second, all that came to its busy partitions waited for the quiet ones' fetch to end; by then it lagged by more than
before, and it went on so: at 2,000 clicks a second, each was recorded after 1.5 s, by a worker that idled.
"""

from __future__ import annotations

from typing import Any

PARTIAL_WAIT_MS = 50
"""How long a broker holds a fetch that leaves a partition out."""


def keep_partial_fetches_short(consumer: Any) -> None:
    """Have a consumer's brokers answer soon where events of a partition wait to be taken; done once.

    Args:
        consumer: an `AIOKafkaConsumer` that was started. It chooses what is fetched from each broker, and how long
            that may take, in `Fetcher._get_actions_per_node`.
    """
    fetcher: Any = consumer._fetcher
    choose, whole_wait_ms = fetcher._get_actions_per_node, fetcher._fetch_max_wait_ms
    if hasattr(choose, "is_short"):
        return

    def choose_with_wait(assignment: Any) -> Any:
        fetcher._fetch_max_wait_ms = min(PARTIAL_WAIT_MS, whole_wait_ms) if fetcher._records else whole_wait_ms
        return choose(assignment)

    choose_with_wait.is_short = True  # pyright: ignore[reportFunctionMemberAccess]
    fetcher._get_actions_per_node = choose_with_wait
