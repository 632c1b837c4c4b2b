"""Two lists of recommendations as one. Pure."""

from __future__ import annotations

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
    kept = then.ranked.candidates.kept(is_new)
    candidates = first.ranked.candidates.joined(kept)
    places = {product_id: at for at, product_id in enumerate(candidates.ids)}
    first_places = np.array([places[product_id] for product_id in first.ranked.candidates.ids], np.intp)
    then_places = np.zeros(len(is_new), np.intp)
    then_places[is_new] = [places[product_id] for product_id in kept.ids]
    scores = np.zeros(len(candidates))
    scores[then_places[is_new]] = then.ranked.score[is_new] - 1.0
    scores[first_places] = first.ranked.score
    order = np.concatenate([first_places[first.ranked.order], then_places[others.order]])
    nothing = np.zeros(len(candidates))

    def reason_of(product_id: str) -> Reason | None:
        lists = (first, then) if product_id in leading else (then,)
        reasons = (one.reason_of(product_id) for one in lists if one.reason_of)
        return next((reason for reason in reasons if reason), None)

    return replace(
        then,
        ranked=Ranking(candidates, nothing, nothing, nothing, scores, order),
        scoring=None,
        unretrieved_count=max(0, then.unretrieved_count - (len(order) - len(then.ranked))),
        reason_of=reason_of,
    )
