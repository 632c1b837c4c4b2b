"""Hostile and broken inputs by the hundred thousand: `make fuzz`."""
