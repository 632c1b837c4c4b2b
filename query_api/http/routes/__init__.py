"""Routes: a module for each kind of request, and whom their answers are for."""
