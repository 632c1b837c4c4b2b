"""A query worker whose score parts are given."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from query_api.evaluation.weight_fitting import FusionWeights, PartScores


@dataclass(frozen=True)
class Hit:
    product_id: str
    title: str | None = None
    explanation: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Page:
    hits: Sequence[Hit]
    took_ms: float = 1.0
    degraded: Sequence[str] = ()


@dataclass
class ScriptedWorker:
    """Ranks the products of each query by the weighted sum of their parts, and records what it is asked.

    Attributes:
        parts: score parts by product id, by query.
        weights: those in force where a request names none.
    """

    parts: Mapping[str, Mapping[str, PartScores]]
    weights: FusionWeights = field(default_factory=lambda: FusionWeights(0.3, 0.1, 0.6))
    degraded: Sequence[str] = ()
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def search(self, text: str, /, *, k: int, offset: int | None, **request: Any) -> Page:
        with self._lock:
            self.requests.append({"text": text, "k": k, "offset": offset, **request})
        given = request.get("weights")
        weights = FusionWeights(given["text"], given["image"], given["lexical"]) if given else self.weights
        hits = [self._hit(product_id, parts, weights) for product_id, parts in self.parts[text].items()]
        hits.sort(key=lambda hit: (-sum(hit.explanation.values() if hit.explanation else ()), hit.product_id))
        start = offset or 0
        return Page(hits[start : start + k], degraded=self.degraded)

    @staticmethod
    def _hit(product_id: str, parts: PartScores, weights: FusionWeights) -> Hit:
        weighted = {
            "text": parts[0] * weights.text,
            "image": parts[1] * weights.image,
            "lexical": parts[2] * weights.lexical,
        }
        return Hit(product_id, f"title of {product_id}", weighted)
