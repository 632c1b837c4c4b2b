"""How many inputs each part of `make fuzz` takes: the shares of `FUZZ_INPUTS`, a million unless it says otherwise."""

from __future__ import annotations

import os

TOTAL = int(os.environ.get("FUZZ_INPUTS", "1000000"))
SEED = int(os.environ.get("FUZZ_SEED", "20261127"))
"""Of the mutations; another one tries others."""


def share(of_million: int) -> int:
    """A part's number of inputs, which is `of_million` of a million; at least 1."""
    return max(1, of_million * TOTAL // 1_000_000)


HTTP_MUTATED = share(196_000)
HTTP_BY_SCHEMA = share(6_000)
HTTP_RAW = share(6_000)
"""Bytes on a connection that are no HTTP, or nearly."""
KAFKA = share(20_000)
PICTURES = share(16_000)
SOUNDS = share(2_500)
CLIPS = share(2_500)
PARSED = share(700_000)
"""Messages, requests, rows and texts, read in the process of the test."""
FILES = share(30_000)
PROPERTIES = share(30_000)
"""Events and rows that Hypothesis makes."""
