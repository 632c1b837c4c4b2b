"""Text and image towers joined: apart, weighted, concatenated, attending, gated; and a fusion ranker."""
