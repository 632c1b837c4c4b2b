"""The profile pipeline: from shoppers' events to profiles in Redis."""
