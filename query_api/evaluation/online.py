"""What shoppers chose of the answers that they were given, by variant. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query_api.evaluation.click_log import LoggedAnswer
from query_api.evaluation.intervals import RESAMPLES, Interval

Values = NDArray[np.float64]
CONFIDENT_PERCENT = 99.0
"""A variant is worse where so many in a hundred resamplings say so."""


@dataclass(frozen=True, slots=True)
class VariantReport:
    """How a variant did; with 95 % intervals over people, of whom each may have had many answers."""

    variant: str
    answers: int
    visitors: int
    """People; answers to nobody in particular count as one each."""
    measures: Mapping[str, Interval]
    """`CTR`: the share of answers of which something was chosen; `MRR`: the mean of 1 / the first chosen place, 0 where
    nothing was; `revenue`: what products that were bought cost, an answer, where prices are known."""
    coverage: float
    """Share of the products that any variant showed, that it showed."""
    differences: Mapping[str, Interval]
    """Measures minus those of the first variant; none of the first itself."""
    is_worse: bool
    """Whether its CTR is below the first variant's in `CONFIDENT_PERCENT` of resamplings."""


def report_variants(
    answers: Sequence[LoggedAnswer], prices: Mapping[str, float], first: str = "", seed: int = 0
) -> list[VariantReport]:
    """The reports of all variants in a log, the first one first.

    Args:
        prices: by product; none: no revenue is told.
        first: the variant that the others are compared with.
        seed: of the resampling.

    Source: Kohavi, Tang and Xu, 2020, "Trustworthy Online Controlled Experiments" (people, who are what is
    randomised, are what is resampled).
    """
    by_variant: dict[str, list[LoggedAnswer]] = {}
    for answer in answers:
        by_variant.setdefault(answer.variant, []).append(answer)
    shown = {product for answer in answers for product in answer.products}
    names = sorted(by_variant, key=lambda name: (name != first, name))
    measured = {name: _resampled(by_variant[name], prices, seed + at) for at, name in enumerate(names)}
    reports = list[VariantReport]()
    for name in names:
        own, compared = measured[name], measured.get(first, {}) if name != first else {}
        differences = {measure: own[measure].minus(other) for measure, other in compared.items()}
        chance = own["CTR"].chance_below(compared["CTR"]) if "CTR" in compared else 0.0
        products = {product for answer in by_variant[name] for product in answer.products}
        reports.append(
            VariantReport(
                name,
                len(by_variant[name]),
                len({answer.visitor or answer.query_id for answer in by_variant[name]}),
                {measure: sample.interval for measure, sample in own.items()},
                len(products) / len(shown) if shown else 0.0,
                differences,
                100 * chance >= CONFIDENT_PERCENT,
            )
        )
    return reports


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """A mean, and what it was in each resampling, (RESAMPLES,)."""

    mean: float
    resampled: Values

    @property
    def interval(self) -> Interval:
        low, high = np.percentile(self.resampled, [2.5, 97.5])
        return Interval(self.mean, float(low), float(high))

    def minus(self, other: _Sample) -> Interval:
        return _Sample(self.mean - other.mean, self.resampled - other.resampled).interval

    def chance_below(self, other: _Sample) -> float:
        return float((self.resampled < other.resampled).mean())


def _resampled(answers: Sequence[LoggedAnswer], prices: Mapping[str, float], seed: int) -> dict[str, _Sample]:
    """Each measure's mean over answers, people resampled with all of theirs."""
    measures: dict[str, Callable[[LoggedAnswer], float]] = {"CTR": lambda one: float(bool(one.chosen)), "MRR": _first}
    if prices:
        measures["revenue"] = lambda one: _revenue(one, prices)
    people: dict[str, int] = {}
    owners = np.array([people.setdefault(answer.visitor or answer.query_id, len(people)) for answer in answers])
    counts = np.bincount(owners).astype(np.float64)
    # Poisson's bootstrap: how often each comes in a resampling, all of them independent.
    times = np.random.default_rng(seed).poisson(1.0, (RESAMPLES, len(counts))).astype(np.float32)
    times[times.sum(axis=1) == 0] = 1.0
    samples: dict[str, _Sample] = {}
    for name, measure in measures.items():
        values = np.array([measure(answer) for answer in answers])
        totals = np.bincount(owners, weights=values)
        samples[name] = _Sample(float(values.mean()), (times @ totals) / (times @ counts))
    return samples


def _first(answer: LoggedAnswer) -> float:
    places = (place for place, product in enumerate(answer.products, start=1) if product in answer.chosen)
    return 1 / (answer.offset + next(places)) if answer.chosen else 0.0


def _revenue(answer: LoggedAnswer, prices: Mapping[str, float]) -> float:
    return sum(prices.get(product, 0.0) for product, kind in answer.chosen.items() if kind == "purchased")
