"""Checkpoints in the Hugging Face format: dual encoders, preprocessing, forward passes."""
