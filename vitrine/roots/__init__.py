"""Composition roots: where configuration, servers and pipelines become a running process."""
