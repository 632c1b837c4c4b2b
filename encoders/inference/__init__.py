"""What runs around a model: tokens, length buckets, parity checks, device priority. Free of torch."""
