"""Cards: what an answer shows of products, ranks them and counts facets by, kept in the process."""
