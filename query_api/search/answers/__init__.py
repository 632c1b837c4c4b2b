"""Finished answers: kept, made anew where something touches them, a shopper's with hits of their own."""
