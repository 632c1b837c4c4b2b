"""What can go wrong in `vitrine`, and what to do about it.

VitrineError            base of everything raised here; the command line prints its message
├── InvalidSetting      the configuration cannot be used: every fault is named at once (exit code 2)
├── InvalidJudgments    judged queries cannot be used: every bad row is named (exit code 2)
├── NotRunning          no server answers where one was expected: start one, or name another
└── SearchRefused       the query worker answered with a problem
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class VitrineError(Exception):
    """Base of the errors that the command line and the client raise."""

    exit_code: ClassVar[int] = 1


class InvalidSetting(VitrineError):
    """Settings that are unknown or have bad values.

    Attributes:
        problems: one sentence a fault, each naming the setting and where it came from.
    """

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("the configuration cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = tuple(problems)


class InvalidJudgments(VitrineError):
    """Judged queries whose files have rows that cannot be read, or that no query comes of."""

    exit_code = 2


class NotRunning(VitrineError):
    """No server answers; the message says where it was looked for and the way out."""


class SearchRefused(VitrineError):
    """The query worker answered with an error.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
