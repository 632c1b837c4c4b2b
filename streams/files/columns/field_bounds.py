"""How much each field of a product takes at most: longer texts and lists of files are cut."""

from __future__ import annotations

MAX_CHARS = {"title": 1_000, "description": 20_000, "lang": 35, "category": 512, "brand": 256, "currency": 8}
MAX_LABEL_CHARS, MAX_LABELS, MAX_MEDIA, MAX_REVIEWS, MAX_REVIEW_CHARS = 256, 64, 32, 50, 2_000
MAX_CATEGORIES = 64
