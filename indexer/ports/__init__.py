"""The stores as the rest of the system knows them; each has an in-memory double that passes the same contract tests."""
