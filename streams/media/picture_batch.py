"""What came of loading the pictures and clips of a batch of products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from encoders.port import Pixels
from encoders.spec import FloatArray, pool_vectors
from indexer.media.keys import MediaKey
from streams.errors import InvalidEvent

Outcome = MediaKey | InvalidEvent
"""The file of a picture or clip, or why it could not be loaded."""


@dataclass(frozen=True, slots=True)
class ProductPictures:
    """A product's pictures and clips, in the order in which it states them."""

    files: tuple[MediaKey, ...]
    """Files of those that were loaded."""
    keys: tuple[MediaKey, ...]
    """Those that were loaded."""
    broken: tuple[MediaKey, ...]
    """Those that cannot be decoded."""
    unreachable: tuple[MediaKey, ...]
    """Those that may be loaded another time."""
    faults: tuple[InvalidEvent, ...]
    """Why, one for each that failed."""

    @classmethod
    def from_outcomes(cls, keys: Sequence[MediaKey], outcomes: Mapping[MediaKey, Outcome]) -> ProductPictures:
        """Sort what a product states by what came of it."""
        files = {key: outcome for key in keys if isinstance(outcome := outcomes[key], MediaKey)}
        faults = {key: outcome for key in keys if isinstance(outcome := outcomes[key], InvalidEvent)}
        loaded = [key for key in keys if key in files]
        return cls(
            tuple(files[key] for key in loaded),
            tuple(loaded),
            tuple(key for key, fault in faults.items() if fault.reason.startswith("invalid")),
            tuple(key for key, fault in faults.items() if fault.reason.startswith("unreachable")),
            tuple(faults.values()),
        )


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """The pictures and clips of a batch of products; a file that several have is there once."""

    products: Mapping[str, ProductPictures]
    """By product id."""
    pixels: Mapping[MediaKey, Sequence[Pixels]]
    """Files that are still to be encoded: of a picture itself, of a clip its frames."""
    embeddings: Mapping[MediaKey, FloatArray]
    """Unit rows (dim,) of the files that were encoded before."""

    @property
    def frames(self) -> list[Pixels]:
        """All `pixels` (height, width, 3) uint8, file by file, as the encoder takes them."""
        return [frame for frames in self.pixels.values() for frame in frames]

    def pool_frames(self, rows: FloatArray) -> dict[MediaKey, FloatArray]:
        """One row (dim,) a file from the rows (n, dim) of all `frames`: a clip's is the mean of those of its frames."""
        pooled: dict[MediaKey, FloatArray] = {}
        start = 0
        for file, frames in self.pixels.items():
            part, start = rows[start : start + len(frames)], start + len(frames)
            pooled[file] = pool_vectors(part, first_weight=1.0) if file.kind == "video" else part[0]
        return pooled
