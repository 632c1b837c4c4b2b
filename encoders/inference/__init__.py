"""What a model is run with: tokens, length buckets, parity checks, device priority. Free of torch."""
