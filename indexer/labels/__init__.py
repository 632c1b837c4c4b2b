"""Suggested labels, their calibration, near-duplicate products. Pure."""
