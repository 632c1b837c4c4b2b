"""Where tests find the repository, and data from outside of it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The repository."""
SHARED_DATA = ROOT.parent / "shared" / "data"
"""A real catalogue beside the repository; tests that need it skip by name when it is absent."""
