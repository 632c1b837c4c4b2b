"""The result cache: candidates of hot queries, refreshed after changes."""
