"""Servers for integration tests alone."""

from tests.secure_kafka import secure_kafka as secure_kafka
from tests.token_endpoint import tokens as tokens
