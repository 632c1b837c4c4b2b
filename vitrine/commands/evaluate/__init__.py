"""Commands that measure retrieval quality."""
