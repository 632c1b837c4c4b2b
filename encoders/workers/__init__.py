"""Programs of worker processes: decoding, encoding, speech recognition."""
