"""How a query worker is put together: its ports, its parts, and which component gets what."""
