"""The embedded stack: a real Kafka, a real Redis and Milvus Lite on this machine, and our own workers beside them."""
