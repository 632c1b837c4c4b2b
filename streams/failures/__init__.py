"""What could not be processed: dead letters, their replay, delay lines for retries."""
