"""The fusion ranker: model, training, and its voice tower."""
