"""What a file takes out of the index."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from streams.files.catalogue import Catalogue
from streams.files.conventions.survey import Conventions
from streams.files.local_media import LocalMedia
from streams.files.prepared_events import EventClock
from vitrine.commands.events.withdrawing import withdrawals
from vitrine.settings import Settings


def _gone(tmp_path: Path, rows: str, there: frozenset[str] | None, at_most: int | None = None) -> tuple[list[str], int]:
    """The products that go, and how many were held back."""
    path = tmp_path / "x.csv"
    path.write_text("sku,name,rating\n" + rows, encoding="utf-8")
    catalogue = Catalogue(path, None, {}, Conventions(), lambda _line: None)
    list(catalogue.events(LocalMedia(None).resolve, EventClock()))
    # Settings tell where the index is, which is not asked here.
    deletions = withdrawals(cast("Settings", None), catalogue, there, at_most, EventClock(), lambda _line: None)
    return [deletion.product_id for deletion in deletions], catalogue.withheld


def test_a_complete_catalogue_withdraws_what_it_lacks(tmp_path: Path) -> None:
    assert _gone(tmp_path, "a,A,\nb,B,\n", frozenset({"a", "c", "d"})) == (["c", "d"], 0)
    assert _gone(tmp_path, "a,A,\n", None) == ([], 0)


def test_nothing_is_taken_for_gone_where_a_row_was_rejected(tmp_path: Path) -> None:
    assert _gone(tmp_path, "a,A,99\nb,B,\n", frozenset({"a", "c"})) == ([], 0)


def test_more_than_a_slip_should_take_is_held_back_unless_allowed(tmp_path: Path) -> None:
    many = frozenset(f"p{number}" for number in range(30))
    assert _gone(tmp_path, "p1,A,\n", many) == ([], 29)
    assert len(_gone(tmp_path, "p1,A,\n", many, 29)[0]) == 29
