"""Redis: shoppers' profiles, the change log, bounded maps, leases."""
