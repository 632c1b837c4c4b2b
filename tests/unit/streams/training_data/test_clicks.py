"""Clicks of files as training data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from encoders.training.data.listings import TrainingListing, with_clicks
from streams.training_data.clicks import read_clicks


def test_rows_of_queries_and_products_become_what_products_are_searched_for(tmp_path: Path) -> None:
    file = tmp_path / "clicks.csv"
    file.write_text("query,product_id\nreading light,p-1\nreading light,p-1\nflowers,p-2\n", "utf-8")
    listings = with_clicks([TrainingListing("p-1", "lamp"), TrainingListing("p-2", "vase")], read_clicks(file, print))
    assert [listing.queries for listing in listings] == [("reading light", "reading light"), ("flowers",)]


def test_events_are_joined_by_their_query_and_by_their_session(tmp_path: Path) -> None:
    events = [
        {"type": "searched", "user_id": "u", "query": "for reading", "query_id": "q", "time": "2026-01-01"},
        {"type": "clicked", "user_id": "u", "product_id": "p-1", "query_id": "q", "time": "2026-01-01"},
        {"type": "viewed", "user_id": "u", "product_id": "p-2", "session_id": "s", "time": "2026-01-01"},
        {"type": "viewed", "user_id": "u", "product_id": "p-3", "session_id": "s", "time": "2026-01-01"},
        {"type": "viewed", "user_id": "u", "product_id": "p-3", "session_id": "s", "time": "2026-01-02"},
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(event) for event in events), "utf-8")
    listings = with_clicks([TrainingListing(f"p-{number}", "") for number in (1, 2, 3)], read_clicks(file, print))
    assert listings[0].queries == ("for reading",)
    assert listings[1].co_viewed == ("p-3",)
    assert listings[2].co_viewed == ("p-2",)


def test_what_people_did_before_they_asked_to_be_forgotten_is_left_out(tmp_path: Path) -> None:
    events = [
        {"type": "searched", "user_id": "ada", "query": "old wish", "query_id": "q1", "time": "2026-01-01"},
        {"type": "clicked", "user_id": "ada", "product_id": "p-1", "query_id": "q1", "time": "2026-01-01"},
        {"type": "user.forgotten", "user_id": "ada", "time": "2026-01-02"},
        {"type": "clicked", "user_id": "ada", "product_id": "p-2", "query_id": "q2", "time": "2026-01-03"},
        {"type": "clicked", "user_id": "ben", "product_id": "p-3", "session_id": "s", "time": "2026-01-01"},
        {"type": "clicked", "user_id": "cy", "product_id": "p-4", "session_id": "t", "time": "2026-01-01"},
        {"type": "clicked", "user_id": "cy", "product_id": "p-5", "session_id": "u"},
        {"query": "row of cy", "product_id": "p-6", "user_id": "cy"},
        {"query": "row of ben", "product_id": "p-7", "user_id": "ben"},
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(event) for event in events), "utf-8")
    asked: list[str] = []
    told: list[str] = []

    def forgotten(user_ids: Sequence[str]) -> Mapping[str, int]:
        asked.extend(user_ids)
        return {"cy": 1_767_400_000_000}

    choices = read_clicks(file, told.append, forgotten)
    assert choices == [("row of ben", ["p-7"]), ("", ["p-2"]), ("", ["p-3"])]
    assert sorted(asked) == ["ada", "ben", "cy"]
    assert told == ["6 rows are left out: they are of people who asked to be forgotten, or opted out"]


def test_what_people_did_while_they_were_opted_out_is_left_out_under_all_of_their_ids(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    opted_out = {"type": "user.profiled", "user_id": "ada", "traits": {}, "learning": False, "time": "2026-01-02"}
    file.write_text(
        "\n".join(
            json.dumps(row)
            for row in (
                {"type": "user.clicked", "user_id": "ada", "product_id": "a", "session_id": "1", "time": "2026-01-01"},
                {"type": "user.clicked", "user_id": "ada", "product_id": "b", "session_id": "1", "time": "2026-01-03"},
                {"type": "user.clicked", "user_id": "tab", "product_id": "c", "session_id": "2", "time": "2026-01-03"},
                {"type": "user.identified", "user_id": "ada", "anonymous_id": "tab", "time": "2026-01-04"},
                opted_out,
            )
        )
    )
    assert read_clicks(file, print) == [("", ["a"])]
