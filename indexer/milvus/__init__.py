"""Milvus: collections, rows, search, filters, generations of the index."""
