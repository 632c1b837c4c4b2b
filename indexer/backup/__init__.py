"""Export and import of an index as Parquet."""
