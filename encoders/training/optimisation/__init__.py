"""Optimisation: gradients, parameters, process groups."""
