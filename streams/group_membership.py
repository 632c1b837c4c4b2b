"""This worker's place in the consumer group: its partitions, and what becomes of work when they go to somebody else.

When partitions are taken away, the batches under way are finished and committed first, or else given up unacknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import faust
from faust.types import TP

from streams.delivery.batching import MicroBatcher
from streams.delivery.lease import WriteLease
from streams.delivery.messages import Partition, PrefixAcknowledger
from streams.events.schema import PRODUCT_EVENTS
from streams.kafka.fetch_waits import keep_partial_fetches_short
from streams.kafka.lag_reporter import HeldPartition
from streams.products.write_reconciler import WriteReconciler

log = logging.getLogger(__name__)

GROUP_CHECK_S = 1.0
"""How often is looked whether the group turns this worker away."""


class GroupMembership:
    """This worker's place in the consumer group: joined or not, and what becomes of work when partitions move."""

    def __init__(
        self,
        app: faust.App,
        acknowledger: PrefixAcknowledger,
        batchers: Mapping[str, MicroBatcher],
        lease: WriteLease,
        reconciler: WriteReconciler,
        settle_s: float,
    ) -> None:
        self.joined = False
        self._app = app
        self._acknowledger = acknowledger
        self._batchers = batchers
        self._lease = lease
        self._reconciler = reconciler
        self._settle_s = settle_s

        async def release(sender: object, revoked: set[TP], **_: object) -> None:
            await self._release_partitions(revoked)

        async def acquire(sender: object, assigned: set[TP], **_: object) -> None:
            self._acquire_partitions(assigned)

        # Faust's signals are not typed.
        signals: Any = app
        signals.on_partitions_revoked.connect(release, weak=False)
        signals.on_partitions_assigned.connect(acquire, weak=False)

    @property
    def is_confirmed(self) -> bool:
        """Whether Kafka has confirmed a heartbeat within the session timeout."""
        return self._lease.is_valid()

    @property
    def acknowledged(self) -> Mapping[Partition, int]:
        """The next offset to commit of each partition that events were finished of."""
        return self._acknowledger.acknowledged

    def holds_events(self) -> bool:
        """Whether events are in hand."""
        return self._acknowledger.unacknowledged_count() > 0

    def held(self) -> Mapping[Partition, HeldPartition]:
        """Its partitions, as far as it knows of them without asking; none while they may be another worker's."""
        if not (self.joined and self._lease.is_valid()):
            return {}
        # Faust's consumer and monitor are typed in part.
        app: Any = self._app
        return {
            (tp.topic, tp.partition): HeldPartition(
                self._acknowledger.acknowledged.get((tp.topic, tp.partition)),
                app.monitor.tp_end_offsets.get(tp),
                self._acknowledger.oldest_ms((tp.topic, tp.partition)),
            )
            for tp in app.consumer.assignment()
        }

    async def positions(self) -> Mapping[Partition, int | None]:
        """The next offset to fetch of each partition, asked of the consumer's own thread."""
        consumer: Any = self._app.consumer
        thread, assigned = consumer._thread, list(consumer.assignment())
        # One way there and back for all: each wakes both threads several times.
        return await thread.call_thread(_positions, thread._ensure_consumer(), assigned)

    async def _release_partitions(self, revoked: set[TP]) -> None:
        """Finish what is under way and commit it, within a budget; the rest is redelivered to the next owner.

        The group waits for this before it gives the partitions to somebody else, unless this worker is out already.
        """
        self.joined = False
        try:
            if self._lease.is_valid():
                async with asyncio.timeout(self._settle_s):
                    await asyncio.gather(*(batcher.wait_until_idle() for batcher in self._batchers.values()))
                    await self._reconciler.reconcile()
                    await self._app.consumer.commit()
        except TimeoutError:
            log.warning("partitions_given_up_unfinished", extra={"events": self._acknowledger.unacknowledged_count()})
        finally:
            self._acknowledger.revoke((partition.topic, partition.partition) for partition in revoked)
            self._reconciler.pause()

    def _acquire_partitions(self, assigned: set[TP]) -> None:
        consumer: Any = self._app.consumer
        keep_partial_fetches_short(consumer._thread._ensure_consumer())
        _renew_with_heartbeats(self._app, self._lease)
        self._lease.renew(time.monotonic())
        self._reconciler.resume({partition.partition for partition in assigned if partition.topic == PRODUCT_EVENTS})
        self.joined = True


async def _positions(consumer: Any, partitions: Sequence[TP]) -> dict[Partition, int | None]:
    return {(tp.topic, tp.partition): await consumer.position(tp) for tp in partitions}


def _renew_with_heartbeats(app: faust.App, lease: WriteLease) -> None:
    """Renew the lease with each heartbeat that Kafka confirms.

    Neither Faust nor aiokafka tells of heartbeats, so the coordinator's own call is wrapped, once.
    """
    consumer: Any = app.consumer
    coordinator: Any = consumer._thread._ensure_consumer()._coordinator
    send_heartbeat: Any = coordinator._do_heartbeat
    if getattr(send_heartbeat, "renews", None) is lease:
        return

    async def do_heartbeat() -> bool:
        sent_at = time.monotonic()
        confirmed: bool = await send_heartbeat()
        if confirmed:
            lease.renew(sent_at)
        return confirmed

    do_heartbeat.renews = lease  # pyright: ignore[reportFunctionMemberAccess]
    coordinator._do_heartbeat = do_heartbeat


async def watch_group(app: faust.App) -> None:
    """Run until the group turns the app's consumer away for good, and raise why.

    aiokafka keeps such an error for whoever polls it next, and does nothing more until then; Faust polls in another
    way, never sees it, and its start waits for ever.
    """
    consumer: Any = app.consumer
    while True:
        await asyncio.sleep(GROUP_CHECK_S)
        coordinator: Any = getattr(consumer._thread._consumer, "_coordinator", None)
        error: BaseException | None = getattr(coordinator, "_pending_exception", None)
        if error is not None:
            raise error
