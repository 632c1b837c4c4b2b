"""Experiments: shoppers are given variants of the ranking, by a hash of who they are."""
