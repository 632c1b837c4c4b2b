"""Bounds of the store's own ways of searching and of making collections. Measured, not configured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MilvusLimits:
    """How many products are looked at at once, and how long what is made takes to settle."""

    proposed: int = 1_000
    """Candidates that each field of an approximate index proposes at least: what it misses is rarely the nearest."""
    listed: int = 10_000
    """Products that a lookup of excluded words lists at once; Milvus gives at most 16,384."""
    sort_sample: int = 1_000
    """Numbers from which pivots are chosen, to sort by a number."""
    sort_spare: int = 1_000
    """Rows more than wanted that are fetched to be sorted: that costs less than another look."""
    settle_s: float = 0.2
    """Seconds until what several processes make at once has settled; much longer than making a collection takes."""


DEFAULT_LIMITS = MilvusLimits()
