"""The demo: a rendered catalogue, shoppers with tastes, a live view, and example searches."""
