"""Commands that start, stop and inspect the stack."""
