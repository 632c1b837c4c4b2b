"""The gate before a switch: both generations are asked the same, and the new one must answer well enough."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from indexer.milvus.registry import Generation
from query_api.evaluation.title_sampling import sample_titles
from query_api.generations.quality_gate import GateLimits, GateResult, Judgments, compare_generations
from query_api.wiring.ports import QueryPorts
from vitrine.errors import VitrineError

OpenServices = Callable[[Generation], AbstractAsyncContextManager[QueryPorts]]
"""Opens a generation as a query worker would serve it, for nobody in particular."""


async def compare_side_by_side(
    active: Generation,
    new: Generation,
    open_services: OpenServices,
    judgments: Judgments,
    limits: GateLimits,
    share: float,
) -> GateResult:
    """Compare two generations: by a sample of titles, and by judged queries if there are any.

    Args:
        active, new: the generations; the sample is of the new one's products.
        open_services: opens each of them; closed at the end.
        judgments: gains by query and product id.
        limits: what the new one must reach.
        share: of the time, in (0, 1], that asking takes.

    Raises:
        StoreUnavailable: Milvus does not answer.
        EncoderError: an encoder cannot be loaded.
    """
    async with open_services(active) as before, open_services(new) as after:
        titles = await sample_titles(after.store, after.encoder.spec)
        return await compare_generations(before, after, titles, judgments, limits, share)


def check_verdict(new: Generation, verdict: GateResult) -> None:
    """Raise `VitrineError`, naming what falls short and the ways out, unless the generation may be switched to."""
    if verdict.shortfalls:
        raise VitrineError(
            f"{new.collection} is not switched to: {'; '.join(verdict.shortfalls)}. It goes on following; "
            "`vitrine reindex --force` switches all the same, `vitrine reindex --cancel` drops it"
        )


def verdict_summary(verdict: GateResult) -> str:
    """What a comparison came to, in a line."""
    before, after = verdict.known_item_rates
    parts = [
        f"{verdict.queries} queries: overlap@{verdict.k} {verdict.overlap:.3f}",
        f"own title in the first {verdict.k}: {after:.1%} (before {before:.1%})",
    ]
    if verdict.ndcg:
        parts.append(f"nDCG@{verdict.k} {verdict.ndcg[1]:.3f} (before {verdict.ndcg[0]:.3f})")
    return ", ".join(parts)
