"""Clips to a few frames that tell them apart, decoded within bounds."""
