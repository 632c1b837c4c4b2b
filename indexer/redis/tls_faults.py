"""What went wrong with TLS, found in the errors of client libraries and worded for whoever has to mend it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

_OURS_REFUSED = ("certificate required", "unknown ca", "bad certificate", "certificate expired", "certificate unknown")
"""Alerts by which a server refuses the certificate that we showed, or did not show."""


@dataclass(frozen=True, slots=True)
class TLSFault:
    """Why a TLS connection did not come about."""

    reason: str
    of_theirs: bool
    """Whether it was we who refused them."""
    is_certificate: bool = True
    """Whether a certificate is at fault, rather than that one side does not speak TLS."""

    def sentence(self, ca_setting: str, certificate_setting: str) -> str:
        """What is wrong, and which setting to look at."""
        if not self.is_certificate:
            return f"there is no TLS at that address, or of no version in common ({self.reason})"
        if self.of_theirs:
            return f"its certificate is refused ({self.reason}); {ca_setting} says who may sign it"
        return f"it refuses our certificate ({self.reason}); {certificate_setting} is what we show"


def tls_fault(error: BaseException) -> TLSFault | None:
    """The fault of TLS that an error comes of; None when it is another one."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return TLSFault(error.verify_message or error.reason or str(error), of_theirs=True)
        if isinstance(error, ssl.SSLError):
            reason = (error.reason or str(error)).replace("_", " ").lower()
            return TLSFault(reason, of_theirs=False, is_certificate=any(sign in reason for sign in _OURS_REFUSED))
        following = error.__cause__ or error.__context__
        if following is None:
            return None
        error = following
    return None
