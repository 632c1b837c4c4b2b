"""Servers for integration tests alone."""

from tests.secure_kafka import secure_kafka as secure_kafka
