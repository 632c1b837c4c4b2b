"""Credentials taken out of what people and programs read: status, configuration, errors, logs."""

from __future__ import annotations

import re

MASK = "***"

# Bounded, so that a text of many `://` takes no time that grows with its square.
_URL_PASSWORD = re.compile(r"(://[^:@/\s]{0,1000}:)\S{0,1000}@")
_TOKEN_AS_USER = re.compile(r"(https?://)[^:/@\s]{1,1000}@")
_NAMED_SECRET = re.compile(r"((?:password|token|secret|api_key)=)[^&\s]+", re.IGNORECASE)


def mask_credentials(text: str) -> str:
    """A text with the passwords of its URLs masked, in front of the host or among the parameters.

    The user's name stays: `redis://shop:***@redis:6379/0?password=***`; one without a password is a token, over HTTP.
    """
    text = _TOKEN_AS_USER.sub(rf"\g<1>{MASK}@", _URL_PASSWORD.sub(rf"\g<1>{MASK}@", text))
    return _NAMED_SECRET.sub(rf"\g<1>{MASK}", text)
