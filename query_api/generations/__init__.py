"""Generations of the index: switching to another, comparing two, a worker's status."""
