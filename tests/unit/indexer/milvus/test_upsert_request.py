import numpy as np
import pytest
from pymilvus.client.prepare import Prepare

from indexer.milvus.schema import product_schema
from indexer.milvus.upsert_request import CHUNK_BYTES, CHUNK_ROWS, PackedRow, request_chunks, upsert_request
from indexer.records import EventStamp, FieldWrite, IndexRow, ProductState, StoredProduct
from indexer.rows import build_row
from tests.milvus_entities import to_entity

DIM = 300


def row(number: int) -> IndexRow:
    fields = {"title": f"Red shoe 红 {number}", "price": number / 3, "tags": ["a", "b"][: number % 3], "in_stock": True}
    stamp = EventStamp(number, "shop", str(number))
    state = ProductState(stamp, number % 5 == 0, {name: FieldWrite(stamp, value) for name, value in fields.items()})
    vector = np.random.default_rng(number).random(2 * DIM, np.float32)
    return build_row(f"p-{number}", StoredProduct(state if number else ProductState(stamp, True)), vector)


@pytest.mark.parametrize("index_type", ["FLAT", "HNSW"])
@pytest.mark.parametrize("vector_type", ["float32", "float16"])
def test_it_is_the_request_that_the_client_makes_of_entities(index_type: str, vector_type: str):
    parts, rows = index_type != "FLAT", [row(number) for number in range(30)]
    schema = product_schema(2 * DIM, index_type, vector_type).to_dict()["fields"]
    known = [field | {"is_function_output": field["name"] == "lexical_weights"} for field in schema]
    entities = [to_entity(packed_row, parts=parts, vector_type=vector_type) for packed_row in rows]
    made = Prepare.row_upsert_param("shop", entities, "", fields_info=known)

    ours = upsert_request(
        "shop", [PackedRow.of(packed_row) for packed_row in rows], parts=parts, vector_type=vector_type
    )

    assert ours == made


def test_a_request_has_bounded_rows_and_bytes():
    small, huge = PackedRow.of(row(1)), PackedRow(row(2), "x" * (CHUNK_BYTES // 2), "")
    assert [len(chunk) for chunk in request_chunks([small] * (CHUNK_ROWS + 1), 1)] == [CHUNK_ROWS, 1]
    assert [len(chunk) for chunk in request_chunks([huge, huge, small], 1)] == [1, 2]
