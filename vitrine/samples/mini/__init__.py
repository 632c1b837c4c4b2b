"""The training of `mini`, the encoder that ships."""
