"""Reports of measures on judged queries: as text, and as a page with plots."""
