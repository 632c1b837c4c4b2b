"""Training of any `Trainable` on a shop's own catalogue."""
