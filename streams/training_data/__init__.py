"""Training data from files and from Kafka's topics."""
