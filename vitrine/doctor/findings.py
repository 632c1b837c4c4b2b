"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "failure"]
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """What it is about: a server, a setting, the machine."""
    level: Level
    message: str
    advice: str = ""
    """What to do; empty where nothing is to be done."""


def ok(subject: str, message: str) -> Finding:
    """All is well."""
    return Finding(subject, "ok", message)


def warning(subject: str, message: str, advice: str) -> Finding:
    """It works, and may not for long, or not as well as it could."""
    return Finding(subject, "warning", message, advice)


def failure(subject: str, message: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(subject, "failure", message, advice)


def not_running(subject: str, error: Exception) -> Finding:
    """A server that is nowhere, which the error says with the way out."""
    message, _, advice = str(error).partition(": ")
    return warning(subject, message, advice)


def in_gib(size: float) -> str:
    """Bytes for people."""
    return f"{size / GIB:.1f} GiB"
