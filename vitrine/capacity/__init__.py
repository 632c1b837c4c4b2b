"""How large a deployment has to be: arithmetic over measured service times, without any I/O."""
