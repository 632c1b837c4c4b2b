"""Drawings of the sample catalogue's products."""
