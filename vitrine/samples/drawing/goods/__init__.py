"""Drawings of clothes, bags, furniture, electronics and other goods."""
