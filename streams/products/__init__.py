"""The product pipeline: from a batch of product events to rows in the index."""
