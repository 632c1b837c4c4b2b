"""Training data: listings, pictures, batches, augmentation."""
