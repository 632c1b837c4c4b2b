"""Labels that neighbours vote for."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.hit_payload import decode_hit_payload
from indexer.labels.calibration import Calibration
from indexer.labels.suggestions import (
    LabelCandidate,
    Neighbour,
    is_correct,
    is_open_field,
    label_candidates,
    open_suggestions,
    suggest,
)
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct, Suggestion
from indexer.rows import build_row, with_accepted_suggestions
from indexer.stated_labels import accepted_values, stated_labels, without_label

SURE = {
    name: Calibration((4.0, 4.0, 4.0, 4.0), -2.0, 100)
    for name in ("category", "brand", "attributes", "attributes.size")
}


def near(score: float, **fields: object) -> Neighbour:
    return Neighbour(score, stated_labels(fields))


def shares(found: list[LabelCandidate]) -> dict[str, float]:
    return {f"{candidate.field}={candidate.value}": round(candidate.features[0], 3) for candidate in found}


def test_nearer_neighbours_count_more_and_the_last_not_at_all():
    found = label_candidates({"text": [near(0.9, brand="A"), near(0.7, brand="B"), near(0.5, brand="C")]}, "")
    assert shares(found) == {"brand=A": 0.667, "brand=B": 0.333}


def test_scores_count_by_their_own_span_whatever_the_encoder():
    some = [near(score, brand=brand) for score, brand in ((9.0, "A"), (7.0, "B"), (5.0, "C"))]
    less = [near(score, brand=brand) for score, brand in ((0.39, "A"), (0.37, "B"), (0.35, "C"))]
    assert shares(label_candidates({"text": some}, "")) == shares(label_candidates({"text": less}, ""))


def test_those_who_state_no_brand_abstain_and_those_who_lack_an_attribute_vote_for_none():
    some = [near(1, brand="A", attributes={"size": "M"}), near(1, category="X"), near(1), near(1)]
    assert shares(label_candidates({"text": some}, "")) == {"brand=A": 1, "attributes.size=M": 0.25, "category=X": 1}


def test_paths_above_a_category_are_voted_for_too():
    some = [near(1, category="Men/Tops/Tees"), near(1, category="Men / Tops/Shirts")]
    assert shares(label_candidates({"text": some}, "")) == {
        "category=Men": 1,
        "category=Men/Tops": 1,
        "category=Men/Tops/Tees": 0.5,
        "category=Men/Tops/Shirts": 0.5,
    }


def test_values_are_one_but_for_case_and_spaces():
    some = [near(1, brand="Ada Lane"), near(1, brand="ada  lane")]
    assert shares(label_candidates({"text": some}, "")) == {"brand=Ada Lane": 1}


def test_each_kind_of_evidence_has_its_own_share_and_words_of_the_product_count():
    (found,) = label_candidates({"image": [near(1, attributes={"colour": "dark red"})], "words": []}, "dark red shirt")
    assert found == LabelCandidate("attributes.colour", "dark red", (0.0, 1.0, 0.0, 1.0))


def test_suggestions_say_the_longest_sure_path_and_the_longest_accepted_one():
    found = [
        LabelCandidate("category", "Men", (1, 1, 1, 1)),
        LabelCandidate("category", "Men/Tops", (1, 0.5, 0, 0)),
        LabelCandidate("category", "Men/Tops/Tees", (0.2, 0, 0, 0)),
        LabelCandidate("brand", "B", (0.6, 0, 0, 0)),
        LabelCandidate("brand", "A", (0.8, 0, 0, 0)),
    ]
    assert suggest(found, SURE, 0.5, 0.99) == (
        Suggestion("category", "Men/Tops", 0.982),
        Suggestion("category", "Men", 0.999, accepted=True),
        Suggestion("brand", "A", 0.768),
    )


def test_a_field_without_a_calibration_gets_no_suggestion_and_attributes_share_one():
    found = [LabelCandidate("brand", "A", (1, 1, 1, 1)), LabelCandidate("attributes.fit", "slim", (1, 1, 1, 1))]
    told = suggest(found, {"attributes": SURE["attributes"]}, 0.5, 1.0)
    assert [suggestion.field for suggestion in told] == ["attributes.fit"] and not told[0].accepted


@pytest.mark.parametrize(
    ("value", "right"), [("men", True), ("Men/Tops", True), ("Men/Top", False), ("Men/Tops/Tees/V", False)]
)
def test_a_path_above_the_stated_category_is_right(value: str, right: bool):
    assert is_correct(LabelCandidate("category", value, ()), {"category": ["Men/Tops/Tees"]}) is right


def test_only_wanted_fields_that_are_not_stated_are_open():
    own = stated_labels({"brand": "A", "category": " ", "attributes": {"size": "M", "fit": []}})
    assert own == {"brand": ["A"], "attributes.size": ["M"]}
    assert is_open_field("category", own, ("category",)) and not is_open_field("brand", own, ("brand",))
    assert is_open_field("attributes.fit", own, ("attributes",)) and not is_open_field(
        "attributes.fit", own, ("attributes.size",)
    )


def test_a_label_can_be_left_out():
    fields = {"title": "Tee", "brand": "A", "attributes": {"size": "M", "fit": "slim"}}
    assert without_label(without_label(fields, "brand"), "attributes.size") == {
        "title": "Tee",
        "attributes": {"fit": "slim"},
    }


def accepted(*pairs: tuple[str, str]) -> tuple[Suggestion, ...]:
    return tuple(Suggestion(field, value, 0.95, accepted=True) for field, value in pairs)


def row(suggestions: tuple[Suggestion, ...], **fields: object):
    state = ProductState().merge(
        ProductChange("p", EventStamp(1, "shop", "1"), {"title": "Tee"} | fields, replaces_all_fields=True)
    )
    return build_row("p", StoredProduct(state, suggestions=suggestions), np.zeros(2, np.float32))


def test_accepted_suggestions_filter_and_stay_apart_on_the_card():
    made = row(accepted(("category", "Men/Tops"), ("attributes.colour", "Red")), attributes={"size": "M"})
    card = decode_hit_payload(made.hit_payload)
    assert {"category=men", "category=men/tops", "attributes.colour=red"} <= set(made.filter_terms)
    assert (card.category, card.attributes) == (None, {"size": "M"})
    assert card.suggested == {"category": ["Men/Tops"], "attributes.colour": ["Red"]}
    assert made.lexical == row(()).lexical + " m"


def test_what_is_not_accepted_filters_nothing():
    assert row((Suggestion("brand", "A", 0.8),)).filter_terms == ()


def test_a_suggestion_never_stands_in_for_what_the_merchant_states():
    made = row(accepted(("brand", "A"), ("attributes.colour", "red")), brand="B", attributes={"colour": "blue"})
    assert set(made.filter_terms) == {"brand=b", "attributes.colour=blue"}
    assert decode_hit_payload(made.hit_payload).suggested == {}
    assert open_suggestions(accepted(("brand", "A"), ("category", "C")), {"brand": "B"}) == accepted(("category", "C"))


def test_of_categories_the_first_accepted_one_counts():
    some = (Suggestion("category", "Men/Tops", 0.7), *accepted(("category", "Men"), ("category", "Women")))
    assert accepted_values(some) == {"category": ["Men"]}
    assert with_accepted_suggestions({"title": "Tee"}, some)["category"] == "Men"
