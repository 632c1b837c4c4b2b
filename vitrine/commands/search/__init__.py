"""Commands that search and explain."""
