"""Several brokers and workers, each a machine of its own as far as the network tells, and many products."""
