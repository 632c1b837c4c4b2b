"""Candidates from the store: vectors and words, fused."""
