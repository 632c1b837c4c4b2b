"""Commands that train encoders and rankers."""
