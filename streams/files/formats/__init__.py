"""The formats of tables: each a reader of a file's rows as a stream."""
