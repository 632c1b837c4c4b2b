"""What a query asks for: words, terms to leave out, a price, and words as the catalogue and the merchant write them."""
