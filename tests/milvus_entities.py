"""Rows as the entities that Milvus' own client takes: what a shop would write, for comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from indexer.filters import ABSENT_NUMBER, NUMBER_FIELDS
from indexer.milvus.queries.approximate import IMAGE_FIELD, JOINT_FIELD, TEXT_FIELD
from indexer.milvus.vector_types import FLOAT32, StoredArray, to_stored_type
from indexer.records import IndexRow, pack_product


class _PlainText(str):
    """A text that the client takes as it is: it looks at each letter of a plain one as if it were a list of texts."""

    def __iter__(self) -> Iterator[str]:
        return iter(())


def to_entity(row: IndexRow, *, parts: bool = False, vector_type: str = FLOAT32) -> dict[str, Any]:
    """A row as Milvus takes it. Raises `InvalidRecord` when its state is too long.

    Args:
        row: what to write.
        parts: whether the vector's parts are fields of their own.
        vector_type: of the collection's vectors.
    """
    vector = to_stored_type(row.vector, vector_type)
    return {
        "product_id": row.product_id,
        "vector": vector,
        **(_part_fields(vector) if parts else {}),
        "lexical": _PlainText(row.lexical),
        "filter_terms": list(row.filter_terms),
        **{name: float(row.numbers.get(name, ABSENT_NUMBER)) for name in NUMBER_FIELDS},
        "searchable": row.searchable,
        "deleted": row.stored.state.deleted and not row.searchable,
        "card": _PlainText(row.hit_payload, "utf-8"),
        "state": _PlainText(pack_product(row.stored)),
    }


def _part_fields(vector: StoredArray) -> dict[str, StoredArray]:
    text, image = np.split(vector, 2)
    return {TEXT_FIELD: text, IMAGE_FIELD: image, JOINT_FIELD: vector}
