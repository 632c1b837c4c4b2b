"""What callers send and get: requests and responses."""
