"""Real shops' logs played through a whole stack, and what it recommends."""
