"""Sessions of shoppers and of products in Redis."""
