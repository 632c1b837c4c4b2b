"""Tables of queries and judgments."""

import pytest

from query_api.evaluation.judgments import join_judgments, read_gain


def rows(name, *cells):
    return [(f"{name}:{line}", row) for line, row in enumerate(cells, start=2)]


def test_queries_and_judgments_join_by_id():
    judged = join_judgments(
        rows("q", {"query_id": 1, "query": "red hoodie"}, {"query_id": 2, "query": "mug"}),
        rows("j", {"query_id": 1.0, "asin": "a", "label": "E"}, {"query_id": "2", "asin": "b", "label": "S"}),
    )
    assert [(query.text, dict(query.gains)) for query in judged.queries] == [
        ("red hoodie", {"a": 1}),
        ("mug", {"b": 0.1}),
    ]
    assert not judged.unusable_rows


def test_they_join_by_text_where_there_is_no_id():
    judged = join_judgments(rows("q", {"text": "mug"}), rows("j", {"query": " mug ", "product_id": "b", "grade": "3"}))
    assert judged.queries[0].gains == {"b": 3}


def test_judgments_that_carry_the_id_of_the_query_may_lack_its_text():
    judged = join_judgments(rows("q", {"qid": "7", "text": "mug"}), rows("j", {"query_id": "7", "sku": "b", "rel": 2}))
    assert judged.queries[0].query_id == "7"


def test_one_table_may_serve_for_both():
    table = rows("t", {"Query": "mug", "ASIN": "a", "Gain": 1.0}, {"Query": "mug", "ASIN": "b", "Gain": 0})
    judged = join_judgments(table, table)
    assert [dict(query.gains) for query in judged.queries] == [{"a": 1.0, "b": 0.0}]


def test_a_gain_goes_before_a_label():
    table = rows("t", {"query": "mug", "asin": "a", "label": "E", "gain": 0.5})
    assert join_judgments(table, table).queries[0].gains == {"a": 0.5}


def test_every_bad_row_is_named():
    judged = join_judgments(
        rows("q.csv", {"query_id": "1", "query": "mug"}, {"query_id": "2"}, {"query_id": "1", "query": "cup"}),
        rows(
            "j.csv",
            {"query_id": "1", "asin": "a", "label": "great"},
            {"query_id": "1", "label": "E"},
            {"query_id": "1", "asin": "b", "label": "E"},
            {"query_id": "1", "asin": "b", "label": "I"},
            {"query_id": "1", "asin": "c", "gain": -1},
        ),
    )
    assert [fault.partition(": ")[0] for fault in judged.unusable_rows] == [
        "q.csv:3",
        "q.csv:4",
        *(f"j.csv:{n}" for n in (2, 3, 5, 6)),
    ]
    assert "'great'" in judged.unusable_rows[2]


def test_what_the_other_table_does_not_know_is_counted():
    judged = join_judgments(
        rows("q", {"query": "mug"}, {"query": "cup"}),
        rows("j", {"query": "mug", "asin": "a", "gain": 1}, {"query": "x", "asin": "a", "gain": 1}),
    )
    assert (len(judged.queries), judged.unjudged_queries, judged.unmatched_judgments) == (1, 1, 1)


@pytest.mark.parametrize(("cell", "gain"), [("E", 1), ("s", 0.1), ("Complement", 0.01), ("I", 0), ("2.5", 2.5)])
def test_gains_are_numbers_or_labels(cell, gain):
    assert read_gain(cell) == gain


@pytest.mark.parametrize("cell", ["-1", "nan", "inf", "X", ""])
def test_other_gains_are_refused(cell):
    with pytest.raises(ValueError, match="no gain"):
        read_gain(cell)
