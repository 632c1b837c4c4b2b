"""Training of the encoders that ship with the project."""
