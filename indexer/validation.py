"""What every product store checks of rows before it writes any of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoders.spec import EmbeddingSpec
from indexer.errors import InvalidRecord
from indexer.filters import MAX_TERMS, PRODUCT_ID_PATTERN, TERM_MAX_BYTES
from indexer.records import STATE_MAX_BYTES, IndexRow


def check_rows(spec: EmbeddingSpec, rows: Sequence[IndexRow]) -> None:
    """Check that a store can hold the rows, and that no two are of one product.

    Raises:
        InvalidRecord: naming the product and the bound that it breaks.
    """
    for row in rows:
        if fault := _fault(spec, row):
            raise InvalidRecord(f"product {row.product_id[:80]!r}: {fault}")
    if len({row.product_id for row in rows}) < len(rows):
        raise InvalidRecord("two rows of one write are of the same product; merge them first")


def _fault(spec: EmbeddingSpec, row: IndexRow) -> str | None:
    if not PRODUCT_ID_PATTERN.fullmatch(row.product_id):
        return "the id must be 1 to 64 of A-Z a-z 0-9 . _ : -"
    if row.vector.shape != (spec.fused_dim,):
        return f"its vector has shape {row.vector.shape}, {spec.key} makes ({spec.fused_dim},)"
    if not np.isfinite(row.vector).all():
        return "its vector has a number that is not finite"
    for name, size in (("lexical", len(row.lexical.encode())), ("card", len(row.hit_payload))):
        if size > STATE_MAX_BYTES:
            return f"its {name} takes {size} bytes, at most {STATE_MAX_BYTES} can be kept"
    if len(row.filter_terms) > MAX_TERMS or any(len(term.encode()) > TERM_MAX_BYTES for term in row.filter_terms):
        return f"it has over {MAX_TERMS} filter terms, or one over {TERM_MAX_BYTES} bytes"
    return None
