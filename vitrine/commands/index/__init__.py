"""Commands about the index: rebuild, back up, label."""
