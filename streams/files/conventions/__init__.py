"""How a file writes prices and dates: decided by a column as a whole, since a cell alone may be read two ways."""
