"""Composition: workers and their parts, put together from settings."""
