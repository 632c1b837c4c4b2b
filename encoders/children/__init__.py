"""Child processes that answer requests in frames over a socket: what may crash, swell or hold the GIL runs in them."""
