"""Collecting media: files that no product shows leave the media store.

Content-addressed files are shared: two products may state the same bytes, and an event with them may arrive while they
are being removed. So a file goes when both hold:

1. No row of any generation refers to it, by strong reads that began after the collection did.
2. It has not been touched for `grace_s` before the collection began. It is touched whenever it is put, and again every
   few minutes while a batch that put it is under way, so no row that is still to be written refers to it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import CollectionRefused
from indexer.media.keys import MediaKey, stored_media
from indexer.media.store import CollectableMediaStore, StoredFile
from indexer.ports.products import ProductStore
from indexer.records import StoredProduct

IntArray = NDArray[np.uint64]

PAGE_PRODUCTS = 256
DOUBTED_FILES, DOUBTED_SHARE = 20, 0.5
"""To remove more files than this, and more than this share of all, is refused unless it is asked for: an index that was
lost, or is being filled from a backup, would take all media with it."""


@dataclass(slots=True)
class CollectionReport:
    """What came of a collection, in files and bytes."""

    kept: int = 0
    kept_bytes: int = 0
    collected: int = 0
    collected_bytes: int = 0
    waiting: int = 0
    """Files that nothing refers to and whose grace is not over; they are among the kept ones."""


class MediaReferences:
    """The files that products refer to, eight bytes each.

    Two hashes that begin alike are taken for one, which at worst keeps a file.
    """

    def __init__(self, starts: Iterable[IntArray] = ()) -> None:
        """Args: starts: the first 64 bits of hashes, in arrays of any length."""
        self._starts = np.unique(np.concatenate([np.empty(0, np.uint64), *starts]))

    def __len__(self) -> int:
        return len(self._starts)

    def unreferenced(self, files: Sequence[StoredFile]) -> list[StoredFile]:
        """Those of the files that nothing refers to."""
        known = np.isin(_starts(file.digest for file in files), self._starts)
        return [file for file, is_known in zip(files, known.tolist(), strict=True) if not is_known]


def shown_media(stored: StoredProduct) -> list[MediaKey]:
    """The stored media that a product shows: all that it states but what cannot be decoded."""
    keys = stored_media(stored.state.fields)
    return [key for key in keys if key.kind == "audio" or key.stored_form not in stored.broken_images]


async def read_references(
    generations: Iterable[ProductStore], pause: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> MediaReferences | None:
    """What the products of all generations refer to; None: they hold no product at all, not even a deleted one.

    Args:
        generations: their stores.
        pause: is called after each page with the seconds that it took, so that shoppers have the servers in between.

    Raises:
        StoreUnavailable: a store does not answer.
    """
    starts: list[IntArray] = []
    products = 0
    for store in generations:
        last = ""
        while True:
            began_s = time.monotonic()
            page = await store.scan_states(last, PAGE_PRODUCTS)
            if not page:
                break
            last, products = max(page), products + len(page)
            starts.append(_starts(key.digest for stored in page.values() for key in shown_media(stored)))
            await pause(time.monotonic() - began_s)
    return MediaReferences(starts) if products else None


class MediaCollector:
    """Removes the files that no product shows from a media store.

    Any number may run at once, beside workers that put and read; one that is cut off anywhere leaves nothing wrong.
    """

    def __init__(self, media: CollectableMediaStore, grace_s: float, clock: Callable[[], float] = time.time) -> None:
        """Args: clock: Unix seconds."""
        self._media = media
        self._grace_s = grace_s
        self._clock = clock

    async def collect(
        self,
        read: Callable[[], Awaitable[MediaReferences | None]],
        *,
        rehearse: bool = False,
        whatever_the_share: bool = False,
    ) -> CollectionReport:
        """Collect once.

        Args:
            read: reads what products refer to, as `read_references` does.
            rehearse: only count.
            whatever_the_share: also where most files go.

        Raises:
            CollectionRefused: the index is empty, or does not know most of the files.
            StoreUnavailable: the index or the media store does not answer.
        """
        # Before anything is read: what is put from now on is later than the bound.
        untouched_since_s = self._clock() - self._grace_s
        references = await read()
        if references is None:
            raise CollectionRefused("the index holds no product, not even a deleted one: no media are removed")
        report, leaving = await self._find(references, untouched_since_s)
        if not whatever_the_share and not rehearse:
            _check_share(report)
        for start in range(0, len(leaving), PAGE_PRODUCTS) if not rehearse else ():
            chunk = leaving[start : start + PAGE_PRODUCTS]
            removed = await self._media.remove(chunk, untouched_since_s)
            stayed = len(chunk) - len(removed)
            stayed_bytes = sum(file.size for file in chunk) - sum(file.size for file in removed)
            report.collected, report.kept = report.collected - stayed, report.kept + stayed
            report.collected_bytes -= stayed_bytes
            report.kept_bytes += stayed_bytes
        return report

    async def _find(
        self, references: MediaReferences, untouched_since_s: float
    ) -> tuple[CollectionReport, list[StoredFile]]:
        """The files that are to go, counted as if they had gone."""
        report, leaving = CollectionReport(), list[StoredFile]()
        async for files in self._media.files():
            unreferenced = references.unreferenced(files)
            over = [file for file in unreferenced if file.touched_s < untouched_since_s]
            size, over_size = sum(file.size for file in files), sum(file.size for file in over)
            report.waiting += len(unreferenced) - len(over)
            report.collected, report.collected_bytes = report.collected + len(over), report.collected_bytes + over_size
            report.kept += len(files) - len(over)
            report.kept_bytes += size - over_size
            leaving += over
        return report, leaving


def _check_share(report: CollectionReport) -> None:
    if report.collected > max(DOUBTED_FILES, DOUBTED_SHARE * (report.kept + report.collected)):
        raise CollectionRefused(
            f"the index knows nothing of {report.collected:,} of {report.kept + report.collected:,} media files, which "
            "is what a lost index looks like: none is removed; if it is right, run `vitrine media collect --most`"
        )


def _starts(digests: Iterable[str]) -> IntArray:
    return np.fromiter((int(digest[:16], 16) for digest in digests), dtype=np.uint64)
