"""Recommendations for a shopper, with no query."""
