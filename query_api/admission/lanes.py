"""Searches with pictures, sounds and clips on one side, all others on the other: neither takes the other's places."""

from __future__ import annotations

from dataclasses import dataclass

from query_api.admission.slots import Admission


@dataclass(frozen=True, slots=True)
class Lanes:
    """Places for requests of both sorts."""

    plain: Admission
    media: Admission
    """What waits for decoders, for ten or a hundred times as long."""

    @classmethod
    def of(cls, concurrency: int = 0, most: int = 512) -> Lanes:
        """Args: as of `Admission`, for each."""
        return cls(Admission(concurrency, most), Admission(concurrency, most))

    def choose(self, has_media: bool) -> Admission:
        """The lane of a request."""
        return self.media if has_media else self.plain
