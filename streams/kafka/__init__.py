"""Kafka clients beside Faust: producers, group offsets, lag, the history of a topic, the age of the index."""
