"""Delivery of messages: batches, acknowledgement, the write lease, waiting for servers, publishing."""
