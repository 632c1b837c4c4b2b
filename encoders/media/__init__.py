"""Decoding and preparation of pictures, clips and sounds. Free of torch."""
