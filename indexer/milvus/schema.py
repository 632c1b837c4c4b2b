"""The collections in Milvus.

Only what Milvus Lite 2.5, Lite 3.2 and a Milvus cluster ≥ 2.5 do alike: no nullable fields, no aliases, no partial
updates, and of the analyzers just the splitting at what is no letter or digit.
"""

# Methods of pymilvus' clients take options without types.
# pyright: reportUnknownMemberType=false

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

from pymilvus import CollectionSchema, DataType, Function, FunctionType, MilvusClient
from pymilvus.milvus_client.index import IndexParams

from indexer.filters import MAX_TERMS, NUMBER_FIELDS, TERM_MAX_BYTES
from indexer.milvus.config import EXACT_INDEX, build_parameters
from indexer.milvus.queries.approximate import IMAGE_FIELD, JOINT_FIELD, TEXT_FIELD
from indexer.milvus.vector_types import FLOAT16, FLOAT32
from indexer.text_analysis.analyzer import BM25_B, BM25_K1

SCHEMA_VERSION = 1
"""Goes up whenever fields, terms or analysis change so that stored rows mean something else: rows must be rebuilt."""
VARCHAR_MAX = 65_535
REGISTRY_DIM = 2
LEXICAL_FIELD = "lexical_weights"
"""Where products are found by their terms."""
_DATA_TYPES = {FLOAT32: DataType.FLOAT_VECTOR, FLOAT16: DataType.FLOAT16_VECTOR}


def product_schema(
    fused_dim: int, index_type: str = EXACT_INDEX, vector_type: str = FLOAT32, *, full_text: bool = True
) -> CollectionSchema:
    """Fields of a generation of the index: vectors (2·dim,), BM25 text, filters, and what is stored.

    With an approximate index, the vector's parts and the whole are fields of their own that are searched by it.
    Without full text, the terms are stored alone.
    """
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("product_id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("vector", _DATA_TYPES[vector_type], dim=fused_dim)
    if index_type != EXACT_INDEX:
        for name, dim in ((TEXT_FIELD, fused_dim // 2), (IMAGE_FIELD, fused_dim // 2), (JOINT_FIELD, fused_dim)):
            schema.add_field(name, _DATA_TYPES[vector_type], dim=dim)
    analyzer = {"enable_analyzer": True, "analyzer_params": {"tokenizer": "standard"}} if full_text else {}
    schema.add_field("lexical", DataType.VARCHAR, max_length=VARCHAR_MAX, **analyzer)
    if full_text:
        schema.add_field(LEXICAL_FIELD, DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(Function("bm25", FunctionType.BM25, ["lexical"], [LEXICAL_FIELD]))
    schema.add_field(
        "filter_terms",
        DataType.ARRAY,
        element_type=DataType.VARCHAR,
        max_capacity=MAX_TERMS,
        max_length=TERM_MAX_BYTES,
    )
    for name in NUMBER_FIELDS:
        schema.add_field(name, DataType.DOUBLE)
    schema.add_field("searchable", DataType.BOOL)
    schema.add_field("deleted", DataType.BOOL)
    schema.add_field("card", DataType.VARCHAR, max_length=VARCHAR_MAX)
    schema.add_field("state", DataType.VARCHAR, max_length=VARCHAR_MAX)
    return schema


def product_indexes(index_type: str, *, full_text: bool = True) -> IndexParams:
    """How a generation is searched: inner product over vectors, BM25 over terms."""
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("vector", index_type=EXACT_INDEX, metric_type="IP")
    if index_type != EXACT_INDEX:
        for name in (TEXT_FIELD, IMAGE_FIELD, JOINT_FIELD):
            indexes.add_index(name, index_type=index_type, metric_type="IP", params=build_parameters(index_type))
    if full_text:
        bm25 = {"bm25_k1": BM25_K1, "bm25_b": BM25_B}
        indexes.add_index(LEXICAL_FIELD, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=bm25)
    return indexes


def registry_schema() -> CollectionSchema:
    """Fields of the registry of generations: a key and a JSON value; Milvus has no collection without a vector."""
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=REGISTRY_DIM)
    schema.add_field("value", DataType.VARCHAR, max_length=VARCHAR_MAX)
    return schema


def registry_indexes() -> IndexParams:
    """The index that Milvus wants before it loads the registry."""
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("vector", index_type="FLAT", metric_type="IP")
    return indexes
