"""Exports of shops' platforms: a profile each, in a TOML file, that says what its columns mean."""
