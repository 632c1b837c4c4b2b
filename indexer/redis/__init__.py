"""Redis: the connection, the change log, bounded maps, what answers showed, leases."""
