"""Engines that run a checkpoint's towers without torch: made ready once, kept in a cache, loaded in a second."""
