"""Facets: what they are of, and how products are counted."""
