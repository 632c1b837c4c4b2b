"""What a plan keeps of what is stored."""

from typing import Any

import numpy as np
import pytest

from indexer.planning import plan
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct, StoredRow

CREATED = ProductChange("p", EventStamp(1, "shop", "1"), {"title": "Red shoe", "price": 5.0}, replaces_all_fields=True)
STORED = StoredRow(StoredProduct(ProductState().merge(CREATED)), np.zeros(4, np.float32), "red shoe")


@pytest.mark.parametrize(
    ("fields", "kept"),
    [({"price": 4.0}, "red shoe"), ({"in_stock": False}, "red shoe"), ({"tags": ["new"]}, ""), ({"title": "Boot"}, "")],
)
def test_terms_are_kept_while_nothing_changes_that_they_are_made_of(fields: dict[str, Any], kept: str):
    change = ProductChange("p", EventStamp(2, "shop", "2"), fields)
    assert plan([change], {"p": STORED})["p"].lexical == kept


def test_a_new_product_has_no_terms_yet():
    assert plan([CREATED], {})["p"].lexical == ""
