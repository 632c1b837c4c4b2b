"""How the projections of the encoder `standard` are trained; its towers come as they are from packages."""
