"""A ranker that is learnt from what shoppers choose: its features, its trees, its training."""
