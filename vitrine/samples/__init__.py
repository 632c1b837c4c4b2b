"""Sample data that the project draws itself, and the training of `mini` on it. No production module imports this."""
