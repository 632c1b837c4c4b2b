"""Explanations: why a product is where it is, or is not."""
