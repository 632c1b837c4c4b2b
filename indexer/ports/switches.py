"""The store of which variants of experiments are switched off."""

from __future__ import annotations

from typing import Protocol


class VariantSwitches(Protocol):
    """Variants that nobody is given any more. Raises `StoreUnavailable` when the store does not answer in time."""

    async def off(self, experiment: str) -> frozenset[str]:
        """The names of an experiment's variants that are switched off."""
        ...

    async def switch_off(self, experiment: str, variant: str) -> None:
        """Switch a variant off, for good: an experiment is begun again under another name."""
        ...
