"""Shoppers have variants by a hash of who they are, and a variant that is switched off is nobody's."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from indexer.redis.impressions import InMemoryImpressionStore
from indexer.redis.switches import InMemoryVariantSwitches
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest, Weights
from query_api.errors import InvalidExperiment
from query_api.experiments.experiment import Experiment, Variant, read_experiment, with_weights
from query_api.wiring.components import wire
from tests.shop import MakeShop

TRIAL = Experiment("trial", [Variant("a", 0.5), Variant("b", 0.3, Weights(personal=9.0)), Variant("c", 0.1)])
PEOPLE = [f"shopper-{number}" for number in range(4_000)]


def test_shares_are_kept_and_each_shopper_has_one_variant():
    counts = Counter(TRIAL.variant_of(user).name for user in PEOPLE)
    # The first has its own share, and those of no share.
    for name, share in (("a", 0.6), ("b", 0.3), ("c", 0.1)):
        assert counts[name] / len(PEOPLE) == pytest.approx(share, abs=0.03)
    assert all(TRIAL.variant_of(user) == TRIAL.variant_of(user) for user in PEOPLE[:50])
    other = Experiment("other", TRIAL.variants)
    assert any(TRIAL.variant_of(user) != other.variant_of(user) for user in PEOPLE[:50])


def test_a_variant_that_is_switched_off_becomes_the_first_and_moves_nobody_else():
    for user in PEOPLE[:500]:
        before, after = TRIAL.variant_of(user), TRIAL.variant_of(user, {"b"})
        assert after.name == ("a" if before.name == "b" else before.name)


def test_what_a_request_states_stays():
    request = SearchRequest(text="mug", user_id="ada", weights=Weights(lexical=0.1))
    assert with_weights(request, TRIAL.variants[1]).weights == Weights(lexical=0.1, personal=9.0)
    stated = SearchRequest(text="mug", user_id="ada", weights=Weights(personal=0.0))
    assert with_weights(stated, TRIAL.variants[1]) is stated


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"name": "x", "variants": [{"name": "a", "share": 1}]}',
        '{"name": "x", "variants": [{"name": "a", "share": 0.5}, {"name": "a", "share": 0.5}]}',
        '{"name": "x", "variants": [{"name": "a", "share": 0.7}, {"name": "b", "share": 0.5}]}',
        '{"name": "x", "variants": [{"name": "a", "share": 0.5}, {"name": "b", "shares": 0.5}]}',
    ],
)
def test_a_file_that_is_no_experiment_is_named(tmp_path: Path, text: str):
    (tmp_path / "trial.json").write_text(text)
    with pytest.raises(InvalidExperiment, match=r"trial\.json"):
        read_experiment(str(tmp_path / "trial.json"))


async def test_answers_differ_by_variant_are_known_by_it_and_no_log_says_whose(
    make_shop: MakeShop, caplog: pytest.LogCaptureFixture
):
    store, switches = InMemoryImpressionStore(), InMemoryVariantSwitches()
    shop = make_shop(
        QueryConfig(text_trust=False, personal=0.0), impressions=store, experiment=TRIAL, switches=switches
    )
    for number in range(6):
        await shop.put(
            f"mug-{number}", title=f"warm mug {'abcdef'[number]}", category="Mugs" if number < 5 else "Gifts"
        )
    plain = next(user for user in PEOPLE if TRIAL.variant_of(user).name == "a")
    personal = next(user for user in PEOPLE if TRIAL.variant_of(user).name == "b")
    for user in (plain, personal):
        await shop.interact(user, ["mug-5"], "purchased")
    parts = wire(shop.services)
    caplog.set_level(logging.INFO)

    async def first(user: str | None) -> Any:
        request = SearchRequest(text="cosy warm mug", user_id=user, floor=0)
        response = await parts.searcher.search(request)
        await parts.answers.answer(request)
        return response.hits[0].product_id

    assert await first(plain) == await first(None) != "mug-5"
    assert await first(personal) == "mug-5"
    await switches.switch_off("trial", "b")
    await parts.experiment.refresh()
    assert await first(personal) == await first(plain)
    await parts.impressions.flush()
    await parts.aclose()
    variants = {(impression.user_id, impression.variant) async for impression in store.all()}
    assert variants == {(plain, "trial/a"), ("", ""), (personal, "trial/b"), (personal, "trial/a")}
    assert not any(user in str(record.__dict__) for record in caplog.records for user in (plain, personal))
