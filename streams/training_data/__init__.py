"""What encoders are trained on, from files and from the live topics."""
