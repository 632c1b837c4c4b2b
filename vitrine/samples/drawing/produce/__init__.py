"""Drawings of fruit, vegetables and groceries."""
