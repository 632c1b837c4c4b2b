"""Evaluation on held-out products, and its log."""
