"""Suggested labels and duplicates of products, and how sure the suggestions are."""
