"""The rights in Kafka that each role needs, and no others: what an operator grants, and what tests grant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Literal

from streams.events.schema import DEAD_LETTER, DEAD_LETTER_REPLAYS, INDEX_CHANGES, PRODUCT_EVENTS, USER_EVENTS
from streams.failures.delay_lines import DELAY_LINES

Operation = Literal["Read", "Write", "Create", "Describe", "DescribeConfigs"]
"""As Kafka names them. Reading and writing include describing."""
Role = Literal["indexing", "query", "publisher", "operator"]

ROLES: dict[Role, str] = {
    "indexing": "An indexing worker, active or standby: one becomes the other at a switch.",
    "query": "A query worker: how far indexing is, clicks, forgotten shoppers.",
    "publisher": "What publishes a shop's events: `vitrine publish`, or programs of its own.",
    "operator": "`vitrine kafka topics`, `reindex`, `rollback`, `export`, `import`, `label`, `train`, `dlq`, `status`, "
    "`doctor`.",
}
"""Each role, and who has it."""


@dataclass(frozen=True, slots=True)
class Right:
    """What may be done with one topic or group, or with all whose names begin so."""

    resource: Literal["topic", "group"]
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False


def rights_of(role: Role, indexing_group: str) -> tuple[Right, ...]:
    """All rights of a role.

    Args:
        role: one of `ROLES`.
        indexing_group: `indexing.group`; those of generations, and of the relay of retries, begin with it.
    """
    lines = [line.topic for line in DELAY_LINES]
    group = Right("group", indexing_group, ("Describe" if role == "query" else "Read",), prefixed=True)
    if role == "indexing":
        return (
            *_topics(("Read", "Write"), PRODUCT_EVENTS, USER_EVENTS, *lines),
            *_topics(("Write",), INDEX_CHANGES, DEAD_LETTER),
            # Looked for at the start, with all others.
            *_topics(("Describe",), DEAD_LETTER_REPLAYS),
            group,
        )
    if role == "query":
        return (*_topics(("Read",), PRODUCT_EVENTS), *_topics(("Write",), USER_EVENTS), group)
    if role == "publisher":
        return _topics(("Write",), PRODUCT_EVENTS, USER_EVENTS)
    return (
        *_topics(("Read", "Write", "Create", "DescribeConfigs"), PRODUCT_EVENTS, USER_EVENTS, DEAD_LETTER_REPLAYS),
        *_topics(("Read", "Create", "DescribeConfigs"), DEAD_LETTER),
        *_topics(("Describe", "Create", "DescribeConfigs"), INDEX_CHANGES, *lines),
        group,
    )


def grant_commands(rights: Sequence[Right], principal: str, bootstrap_servers: str) -> Iterator[str]:
    """The commands of Kafka's own tool that grant them; who runs them puts in how to log in as an administrator."""
    for right in rights:
        operations = " ".join(f"--operation {operation}" for operation in right.operations)
        pattern = " --resource-pattern-type prefixed" if right.prefixed else ""
        yield (
            f"kafka-acls --bootstrap-server {quote(bootstrap_servers)} --command-config admin.properties --add "
            f"--allow-principal {quote(principal)} {operations} --{right.resource} {quote(right.name)}{pattern}"
        )


def _topics(operations: tuple[Operation, ...], *names: str) -> tuple[Right, ...]:
    return tuple(Right("topic", name, operations) for name in names)
