"""Liveness as progress: what each part of a worker is doing, since when, and whether that is too long."""
