"""A query's stages: plan, candidates, ranking, facets, the response."""
