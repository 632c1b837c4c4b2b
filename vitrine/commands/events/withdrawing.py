"""Products that a file takes out of the index: drafts and hidden ones, and with `--complete` those that it lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from streams.errors import TooManyWithdrawals
from streams.files.withdrawals import ALWAYS_ALLOWED, check_withdrawals

if TYPE_CHECKING:
    from streams.files.catalogue import Catalogue
    from streams.files.prepared_events import EventClock, PreparedEvent
    from vitrine.settings import Settings


def complete_feed(settings: Settings) -> frozenset[str]:
    """The products that files were published of and that are in the index. Raises `VitrineError`, `IndexerError`."""
    from streams.files.prepared_events import SOURCE
    from vitrine.generations.published import published_products

    return asyncio.run(published_products(_with_index(settings), SOURCE))


def withdrawals(
    settings: Settings,
    catalogue: Catalogue,
    there: frozenset[str] | None,
    at_most: int | None,
    clock: EventClock,
    say: Callable[[str], None],
) -> Iterator[PreparedEvent]:
    """The deletions that follow a file's products, when all of its rows are read; none where too many would go.

    Args:
        settings: where the index is.
        catalogue: whose events were all taken.
        there: the products of a complete feed's source that are in the index; None: the file is not the whole.
        at_most: how many of the index may go; None: the usual bound.
        clock: gives the events their times.
        say: is told what is not withdrawn, and why.
    """
    from streams.files.prepared_events import withdrawal_of

    missing: frozenset[str] = frozenset()
    if there is not None and catalogue.rejected:
        say(f"{catalogue.rejected:,} rows were rejected: no product is taken for gone; mend them and publish again")
    elif there is not None:
        missing = there - catalogue.product_ids - catalogue.hidden_ids
    going = catalogue.hidden_ids | missing
    try:
        if there is not None:
            check_withdrawals(len(there & going), len(there), at_most)
        elif len(going) > (ALWAYS_ALLOWED if at_most is None else at_most):
            _check_in_index(settings, going, at_most, say)
    except TooManyWithdrawals as error:
        say(str(error))
        catalogue.withheld = len(going)
        return
    if missing:
        say(f"{len(missing):,} products that the file no longer has: withdrawn")
    yield from (withdrawal_of(product_id, clock) for product_id in sorted(going))


def _check_in_index(
    settings: Settings, going: Collection[str], at_most: int | None, say: Callable[[str], None]
) -> None:
    """Check that not too many of the products that go are in the index."""
    from indexer.errors import IndexerError
    from vitrine.errors import VitrineError
    from vitrine.generations.published import count_there

    try:
        found, total = asyncio.run(count_there(_with_index(settings), going))
    except (IndexerError, VitrineError) as error:
        say(
            f"how many of the {len(going):,} hidden products are in the index is not known ({error}): all are withdrawn"
        )
        return
    check_withdrawals(found, total, at_most)


def _with_index(settings: Settings) -> Settings:
    from vitrine.stack.servers import reachable_milvus

    return replace(settings, milvus=reachable_milvus(settings))
