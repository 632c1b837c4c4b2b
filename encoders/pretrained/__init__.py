"""Checkpoints made of pretrained weights that packages carry: found, checked, read as data, and converted once."""
