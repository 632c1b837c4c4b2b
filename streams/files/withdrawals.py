"""How many products a file may take out of the index at once."""

from __future__ import annotations

import math
from typing import Final

from streams.errors import TooManyWithdrawals

ALWAYS_ALLOWED: Final = 20
"""Products that may go however few there are."""
ALLOWED_SHARE: Final = 0.2
"""Of the products that are there. A feed that was cut off lacks more; what a shop drops in a day is less."""


def check_withdrawals(going: int, there: int, at_most: int | None) -> None:
    """Check how many products go.

    Args:
        going: products in the index that would be withdrawn.
        there: products in the index.
        at_most: as many as somebody allows; None: the usual.

    Raises:
        TooManyWithdrawals: more would go than may.
    """
    allowed = max(ALWAYS_ALLOWED, math.floor(ALLOWED_SHARE * there)) if at_most is None else at_most
    if going > allowed:
        raise TooManyWithdrawals(
            f"{going:,} of {there:,} products would be withdrawn, more than the {allowed:,} that may be at once; none"
            f" was. If it is meant, allow it with --withdraw-at-most {going}"
        )
