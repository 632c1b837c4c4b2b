"""A few places for products that nobody can know yet. Pure.

What is new was in no session, so that nothing that learns from sessions suggests it, and it stays unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from query_api.recommending.suggestions import Suggestion

BLOCK, BLOCKS = 10, 5
"""Places are given in the first so many blocks of so many suggestions, the last of each."""
NEW_DAYS = 30
"""How long a product is new."""
DAY_MS = 86_400_000


def with_new(
    suggestions: Sequence[Suggestion], new: Sequence[Suggestion], each: int, user_id: str, now_ms: int
) -> list[Suggestion]:
    """Suggestions with new products on the last places of each of the first whole blocks.

    Which ones is a hash of the shopper and the day (UTC): whoever looks again sees the same, and each new product is
    shown to somebody. Nothing is left out; what gives way moves down.

    Args:
        suggestions: the best first.
        new: products that may be tried.
        each: how many of them a block gets at most.
        user_id: who is asked for.
        now_ms: Unix milliseconds.
    """
    at_top = {one.product_id for one in suggestions[:BLOCK]}
    untried = [one for one in new if one.product_id not in at_top]
    chosen = sorted(untried, key=lambda one: _ticket(user_id, now_ms // DAY_MS, one.product_id))[: each * BLOCKS]
    tried = {one.product_id for one in chosen}
    mixed = [one for one in suggestions if one.product_id not in tried]
    for block in range(min(BLOCKS, len(mixed) // BLOCK)):
        place = (block + 1) * BLOCK - each
        # It counts as good as what it comes after.
        score = mixed[place - 1].score
        mixed[place:place] = [one._replace(score=score) for one in chosen[block * each : (block + 1) * each]]
    return mixed


def _ticket(user_id: str, day: int, product_id: str) -> bytes:
    return hashlib.blake2b(f"{day}\n{user_id}\n{product_id}".encode(), digest_size=8).digest()
