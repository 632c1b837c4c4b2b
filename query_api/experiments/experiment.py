"""An experiment: its variants, and which shopper has which. Pure but for reading its file."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, structs

from query_api.contract.requests import SearchRequest, Weights
from query_api.errors import InvalidExperiment
from query_api.learning_to_rank.model import TreeRanker, load_tree_ranker

Name = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_-]+$")]
_SHARES = 2**64


class Variant(Struct, frozen=True, forbid_unknown_fields=True):
    """A way to rank."""

    name: Name
    share: Annotated[float, Meta(ge=0, le=1)]
    """Of the shoppers."""
    weights: Weights = Weights()
    """Those that requests do not state; what is absent is as it is configured."""
    learnt_ranker: str | None = None
    """A directory of `vitrine train ranker`, or empty for none; null: as it is configured."""
    generation: Annotated[str, Meta(min_length=1)] | None = None
    """The generation of the index that answers, ready beside the active one; null: the active one."""


class Experiment(Struct, frozen=True, forbid_unknown_fields=True):
    """Variants beside each other; the first is the one that others are compared with."""

    name: Name
    variants: Annotated[list[Variant], Meta(min_length=2, max_length=10)]

    def __post_init__(self) -> None:
        if len({variant.name for variant in self.variants}) < len(self.variants):
            raise ValueError("two variants have the same name")
        if sum(variant.share for variant in self.variants) > 1 + 1e-9:
            raise ValueError("the shares of the variants are more than 1 together")

    def label(self, variant: Variant) -> str:
        """The label that its answers bear."""
        return f"{self.name}/{variant.name}"

    def variant_of(self, user_id: str, off: Collection[str] = ()) -> Variant:
        """The variant of a shopper, the same in all processes and for all time; the first where it is switched off.

        Args:
            off: names of variants that are switched off.
        """
        digest = hashlib.blake2b(f"{self.name}\n{user_id}".encode(errors="replace"), digest_size=8).digest()
        place, reached = int.from_bytes(digest) / _SHARES, 0.0
        for variant in self.variants:
            reached += variant.share
            if place < reached:
                return self.variants[0] if variant.name in off else variant
        return self.variants[0]


def with_weights(request: SearchRequest, variant: Variant) -> SearchRequest:
    """A request with a variant's weights where it states none of its own: caches tell them apart by those."""
    own, given = request.weights, variant.weights
    weights = Weights(
        *(
            stated if stated is not None else other
            for stated, other in zip(structs.astuple(own), structs.astuple(given), strict=True)
        )
    )
    return request if weights == own else structs.replace(request, weights=weights)


def read_experiment(file: str) -> Experiment:
    """The experiment in a file of JSON. Raises `InvalidExperiment` naming what is wrong with it."""
    try:
        return msgspec.json.decode(Path(file).expanduser().read_bytes(), type=Experiment)
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidExperiment(f"query.experiment = {file!r} cannot be used: {error}") from error


def load_variant_rankers(experiment: Experiment) -> dict[str, TreeRanker | None]:
    """The rankers of the variants that name one or none, by their names. Raises `InvalidRanker`."""
    named = {variant.name: variant.learnt_ranker for variant in experiment.variants}
    return {name: load_tree_ranker(file) if file else None for name, file in named.items() if file is not None}
