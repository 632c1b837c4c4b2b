"""Pictures, clips and sounds of products: fetching, decoding, transcription, the embedding cache."""
