"""Restoring profiles that Redis has lost, from the topic of user events."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from encoders.liveness.progress import Pulse
from indexer.errors import StoreUnavailable
from indexer.ports.profiles import RestoreLease
from streams.config import KafkaConfig
from streams.delivery.availability import OUTAGES
from streams.delivery.messages import Message
from streams.errors import KafkaUnavailable
from streams.events.schema import USER_EVENTS, USER_FORGOTTEN, USER_IDENTIFIED
from streams.kafka.topic_history import TopicHistory
from streams.profiles.pipeline import ProfileRecorder

log = logging.getLogger(__name__)

RESTORING = Gauge("vitrine_profiles_restoring", "1 while this worker restores profiles from the topic")
RESTORES = Counter("vitrine_profile_restores_total", "Restores of profiles from the topic that were completed")
PROGRESS_INTERVAL_S = 5.0


@dataclass(frozen=True, slots=True)
class RestoreConfig:
    """How profiles that Redis has lost come back."""

    check_s: float = 2.0
    """How often a worker looks whether Redis still has its data."""
    lease_s: float = 15.0
    """How long a worker that restores may be silent before another takes over."""
    batch_events: int = 500
    """Events in one call to Redis."""

    def __post_init__(self) -> None:
        if self.check_s <= 0 or self.lease_s <= 0 or self.batch_events < 1:
            raise ValueError("restore.check_s and lease_s must be positive, batch_events at least 1")


class _LeaseLost(Exception):
    """Redis lost its data once more, or another worker has taken over."""


class ProfileRestorer:
    """Reads the topic of user events again whenever the profile store has lost profiles.

    One worker at a time does, holding a lease. All workers go on recording live events meanwhile: recording is
    idempotent and independent of order. A restore that is broken off begins anew, by whoever takes the lease. It reads
    what was in the topic when it began, back to the age at which events are refused.
    """

    def __init__(
        self,
        recorder: ProfileRecorder,
        lease: RestoreLease,
        kafka: KafkaConfig,
        config: RestoreConfig | None = None,
        topic: str = USER_EVENTS,
    ) -> None:
        self._recorder = recorder
        self._lease = lease
        self._kafka = kafka
        self._config = config or RestoreConfig()
        self._topic = topic

    async def run(self, pulse: Pulse | None = None) -> None:
        """Check every `check_s` whether profiles were lost, and restore them, until cancelled."""
        pulse = pulse or Pulse("profile restorer", float("inf"))
        while True:
            try:
                with pulse.busy("restore"):
                    await self.restore_if_lost()
                OUTAGES.answered("redis")
            except StoreUnavailable as error:
                OUTAGES.failed("redis", str(error))
                # The pipeline that records events warns of it; there is nothing to restore to meanwhile.
                log.debug("profiles_not_checked")
            except Exception as error:
                # A worker that cannot restore still records live events, so nothing may end it here.
                known = isinstance(error, KafkaUnavailable | _LeaseLost)
                log.warning("profiles_not_restored", extra={"error": repr(error)[:300]}, exc_info=not known)
            await asyncio.sleep(self._config.check_s)

    async def restore_if_lost(self) -> bool:
        """Restore profiles if the store has lost them and no other worker does so already.

        Returns:
            Whether this worker restored them.

        Raises:
            StoreUnavailable: the store did not answer.
            KafkaUnavailable: Kafka did not answer; the next call begins anew.
        """
        if not await self._lease.is_needed() or not await self._lease.take():
            return False
        with RESTORING.track_inprogress():
            try:
                await self._restore()
            finally:
                await self._lease.release()
        RESTORES.inc()
        return True

    async def _restore(self) -> None:
        started = time.monotonic()
        horizon = self._recorder.horizon
        since_ms = int((time.time() - horizon.past_s - horizon.future_s) * 1000)
        async with TopicHistory(self._kafka, self._topic, since_ms) as history:
            log.info("profiles_restoring", extra={"events": history.count})
            # What says who may not be recorded comes first, so that nothing of them exists even for a moment.
            await self._record_events(history, _may_refuse)
            await self._record_events(history, lambda _: True)
        if not await self._lease.complete():
            raise _LeaseLost("the lease ended before the restore did")
        took_s = round(time.monotonic() - started, 3)
        log.info("profiles_restored", extra={"events": history.count, "took_s": took_s})

    async def _record_events(self, history: TopicHistory, wanted: Callable[[Message], bool]) -> None:
        done, logged_s = 0, time.monotonic()
        async for batch in history.read(self._config.batch_events):
            # Messages that cannot be recorded became dead letters when they first came.
            await self._recorder.record([message for message in batch if wanted(message)])
            if not await self._lease.renew():
                raise _LeaseLost("the lease was taken, or Redis lost its data again")
            done += len(batch)
            if time.monotonic() - logged_s >= PROGRESS_INTERVAL_S:
                logged_s = time.monotonic()
                log.info("profiles_restoring", extra={"done": done, "events": history.count})


def _may_refuse(message: Message) -> bool:
    """Whether a message may say that somebody is not to be recorded, or who they are, without decoding it.

    One that writes its type with escapes is missed here, and recorded with all others in the second pass.
    """
    value = message.value or b""
    return message.headers.get("ce_type") in _TYPES or any(sign in value for sign in (*_TYPES, b'"learning"'))


_TYPES = (USER_FORGOTTEN.encode(), USER_IDENTIFIED.encode())
