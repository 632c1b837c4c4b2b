"""Personal order: a shopper's profile and taste."""
