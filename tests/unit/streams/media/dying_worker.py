"""`python -m tests.unit.streams.media.dying_worker DIRECTORY`: indexes products with pictures until it is killed.

Prints the name of each picture as soon as a row refers to it.
"""

from __future__ import annotations

import asyncio
import base64
import io
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from indexer.media.keys import stored_media
from indexer.media.store import DirectoryMediaStore
from indexer.records import IndexRow
from tests.unit.streams.pipeline import Bench

BATCH = 16


def new_picture() -> str:
    """A picture that there was not before, base64."""
    file = io.BytesIO()
    Image.frombytes("RGB", (64, 64), os.urandom(3 * 64 * 64)).save(file, "BMP")
    return base64.b64encode(file.getvalue()).decode()


async def index_for_ever(directory: Path) -> None:
    bench = Bench(media=DirectoryMediaStore(directory))
    write = bench.store.write

    async def write_and_tell(rows: Sequence[IndexRow], until: float = math.inf) -> None:
        await write(rows, until)
        names = [key.digest for row in rows for key in stored_media(row.stored.state.fields)]
        print("\n".join(names), flush=True)

    bench.store.write = write_and_tell  # type: ignore[method-assign]
    while True:
        pictures = [new_picture() for _ in range(BATCH)]
        await bench.index(
            *(
                bench.kafka.message({"product_id": f"p{at}", "images": [{"data": data}]})
                for at, data in enumerate(pictures)
            )
        )


if __name__ == "__main__":
    asyncio.run(index_for_ever(Path(sys.argv[1])))
