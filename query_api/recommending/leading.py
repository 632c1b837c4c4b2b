"""Two lists of recommendations as one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from query_api.search.ranking import Ranking
from query_api.search.results import RankedResults, Reason


def led_by(first: RankedResults, then: RankedResults) -> RankedResults:
    """The results of one list, then those of another that are not in it, each with its list's reason, else the other's.

    The scores of the second follow those of the first, less one each.
    """
    leading = set(first.ranked.ids)
    is_new = np.array([product_id not in leading for product_id in then.ranked.candidates.ids], bool)
    others = then.ranked.reordered(np.flatnonzero(is_new[then.ranked.order]))
    candidates, first_places, new_places = first.ranked.candidates.joined_at(then.ranked.candidates.kept(is_new))
    then_places = np.zeros(len(is_new), np.intp)
    then_places[is_new] = new_places
    scores = np.zeros(len(candidates))
    scores[new_places] = then.ranked.score[is_new] - 1.0
    scores[first_places] = first.ranked.score
    order = np.concatenate([first_places[first.ranked.order], then_places[others.order]])
    nothing = np.zeros(len(candidates))

    async def reasons_of(product_ids: Sequence[str]) -> Mapping[str, Reason]:
        own = await _reasons(first, [one for one in product_ids if one in leading])
        return {**await _reasons(then, [one for one in product_ids if one not in own]), **own}

    return replace(
        then,
        ranked=Ranking(candidates, nothing, nothing, nothing, scores, order),
        scoring=None,
        unretrieved_count=max(0, then.unretrieved_count - (len(order) - len(then.ranked))),
        reasons_of=reasons_of,
    )


async def _reasons(results: RankedResults, product_ids: Sequence[str]) -> Mapping[str, Reason]:
    return await results.reasons_of(product_ids) if results.reasons_of and product_ids else {}
