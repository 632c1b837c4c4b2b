"""What went wrong with TLS, found in the errors of client libraries and worded for whoever has to mend it."""

from __future__ import annotations

import ssl

from indexer.errors import causes

_OURS_REFUSED = ("certificate required", "unknown ca", "bad certificate", "certificate expired", "certificate unknown")
"""Alerts by which a server refuses the certificate that we showed, or did not show."""
_NO_COMMON_TLS = (
    "wrong version number",
    "record layer failure",
    "unsupported protocol",
    "protocol version",
    "handshake",
)


def tls_fault(error: BaseException) -> str | None:
    """The fault of TLS that an error comes of, as a sentence about Redis; None when it is another one."""
    for at in causes(error):
        if isinstance(at, ssl.SSLCertVerificationError):
            reason = at.verify_message or at.reason
            return f"Redis shows a certificate that is refused: {reason}; redis.ssl_cafile says who may sign it"
        if isinstance(at, ssl.SSLError):
            return _by_reason((at.reason or "").replace("_", " ").lower())
    return None


def _by_reason(reason: str) -> str | None:
    if any(sign in reason for sign in _OURS_REFUSED):
        return f"Redis refuses our certificate: {reason}; redis.ssl_certfile is what we show"
    if any(sign in reason for sign in _NO_COMMON_TLS):
        return f"Redis speaks no TLS at that address, or no version that we know: {reason}"
    return None
