"""The embedded stack: its services, their addresses and health."""
