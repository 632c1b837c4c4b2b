"""Evaluation against a live index."""
