"""Understanding of queries: spelling, synonyms, prices, exclusions, speech."""
