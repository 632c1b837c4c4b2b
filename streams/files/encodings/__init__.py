"""Which encoding a text of unknown origin is in, by evidence."""
