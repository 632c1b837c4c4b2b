"""Stored media: pictures, clips and sounds by the hash of their bytes, in a directory or a bucket; their collection."""
