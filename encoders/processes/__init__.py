"""Worker processes, seen from the main process: pools, queues, messages. Free of torch."""
