"""Commands that publish events and replay dead letters."""
