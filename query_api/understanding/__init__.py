"""What a query's words ask for: what to look for, what to leave out, a price, and words as the catalogue writes them."""
