"""Vectors of queries: texts, pictures, clips and products, encoded in batches."""
