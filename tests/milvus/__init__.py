"""What is tried on a real Milvus server alone: `make test-milvus`."""
