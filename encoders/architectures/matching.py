"""How a query is matched with products: by cosine, or by distance with probabilities over the candidates."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from encoders.architectures.config import Matching


def match_logits(queries: Tensor, products: Tensor, matching: Matching, scale: Tensor | float) -> Tensor:
    """Logits (n, m) of unit queries (n, dim) against unit products (m, dim), times the inverse temperature `scale`."""
    if matching == "cosine":
        return queries @ products.T * scale
    # ‖q − p‖² of unit vectors, away from 0, where the root has no slope.
    return -(2 - 2 * queries @ products.T).clamp(min=1e-6).sqrt() * scale


def match_probabilities(queries: Tensor, products: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """`softmax(−‖q − p‖₂ · scale)` over the candidates, (n, m) rows summing to 1.

    Source: Goldberger et al., "Neighbourhood Components Analysis", 2004 (softmax over negative distances).
    """
    return match_logits(queries, products, "distance", scale).softmax(dim=1)


def top_k_matches(queries: Tensor, products: Tensor, k: int, scale: Tensor | float = 1.0) -> tuple[Tensor, Tensor]:
    """The k most probable products of each query: probabilities (n, k) and rows (n, k), the best first.

    Among unit vectors the order is that of the inner product, by which an index searches.
    """
    best = match_probabilities(queries, products, scale).topk(min(k, len(products)), dim=1)
    return best.values, best.indices


def matching_loss(
    queries: Tensor, products: Tensor, matching: Matching, scale: Tensor | float, alike: Tensor | None = None
) -> Tensor:
    """Cross-entropy of each query with its own product among all of the batch, and the other way round.

    Args:
        queries: (n, dim) unit rows.
        products: (n, dim) unit rows; row i belongs to query i.
        matching: what similarity is.
        scale: inverse temperature.
        alike: (n, n) bool; pairs off the diagonal that are no negatives, since they mean the same.

    Source: van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018.
    """
    logits = match_logits(queries, products, matching, scale)
    if alike is not None:
        false_negatives = alike & ~torch.eye(len(queries), dtype=torch.bool, device=alike.device)
        logits = logits.masked_fill(false_negatives, -1e4)
    own = torch.arange(len(queries), device=logits.device)
    return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2
