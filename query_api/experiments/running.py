"""The experiment that a query worker runs, with the variants of it that were switched off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping

from indexer.errors import StoreUnavailable
from indexer.ports.switches import VariantSwitches
from query_api.contract.requests import SearchRequest
from query_api.experiments.experiment import Experiment, Variant, with_weights
from query_api.learning_to_rank.model import TreeRanker

log = logging.getLogger(__name__)

WATCH_S = 15.0
"""How often it is looked at what is switched off."""


class RunningExperiment:
    """Which variant a request has, and what that changes. Requests that name no shopper have none."""

    def __init__(
        self,
        ranker: TreeRanker | None,
        experiment: Experiment | None = None,
        rankers: Mapping[str, TreeRanker | None] | None = None,
        switches: VariantSwitches | None = None,
        at_hand: Collection[str] = (),
    ) -> None:
        """Bind to an experiment.

        Args:
            ranker: where no variant says otherwise.
            rankers: those that variants name, by their variant.
            at_hand: the generations of the index that this process can answer from, as they are at any time.
        """
        self._ranker = ranker
        self._experiment = experiment
        self._rankers = rankers or {}
        self._switches = switches
        self._at_hand = at_hand
        self._off: frozenset[str] = frozenset()
        variants = experiment.variants if experiment else []
        self._generations = {variant.name: variant.generation for variant in variants if variant.generation is not None}

    @property
    def has_rankers(self) -> bool:
        """Whether anybody's results are ordered by a learnt ranker."""
        return self._ranker is not None or any(self._rankers.values())

    def variant(self, user_id: str | None) -> Variant | None:
        """The variant of a shopper, the first instead of one that cannot be had just now; None: they have none."""
        if self._experiment is None or not user_id:
            return None
        return self._experiment.variant_of(user_id, self._unavailable() if self._generations else self._off)

    def generation(self, user_id: str | None) -> str | None:
        """The generation at hand that a shopper's variant names; None: it names none."""
        variant = self.variant(user_id) if self._generations else None
        return None if variant is None else variant.generation

    def _unavailable(self) -> frozenset[str]:
        absent = {name for name, generation in self._generations.items() if generation not in self._at_hand}
        return self._off | absent

    def label(self, user_id: str | None) -> str:
        """The name of a shopper's variant, its experiment before it; empty: they have none."""
        variant = self.variant(user_id)
        return self._experiment.label(variant) if self._experiment and variant else ""

    def applied(self, request: SearchRequest) -> SearchRequest:
        """A request as its shopper's variant has it."""
        variant = self.variant(request.user_id)
        return request if variant is None else with_weights(request, variant)

    def ranker(self, user_id: str | None) -> TreeRanker | None:
        """The learnt ranker for a shopper; None: there is none."""
        variant = self.variant(user_id)
        return self._ranker if variant is None else self._rankers.get(variant.name, self._ranker)

    async def run(self) -> None:
        """Follow what is switched off, until cancelled."""
        while True:
            try:
                await self.refresh()
            except StoreUnavailable as error:
                log.warning("switches_not_read", extra={"error": str(error)[:300]})
            await asyncio.sleep(WATCH_S)

    async def refresh(self) -> None:
        """Look at what is switched off now. Raises `StoreUnavailable`."""
        if self._experiment is None or self._switches is None:
            return
        off = await self._switches.off(self._experiment.name)
        for name in sorted(off - self._off):
            log.warning("variant_switched_off", extra={"experiment": self._experiment.name, "variant": name})
        self._off = off
