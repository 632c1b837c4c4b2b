"""What Milvus is asked: filters as expressions, searches by vector, the first products by a number."""
