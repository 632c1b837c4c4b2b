"""Milvus: the connection, collections, rows, generations of the index and their registry."""
