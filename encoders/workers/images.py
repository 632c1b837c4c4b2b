"""`python -m encoders.workers.images`: decodes and prepares whole files, within bounds, for the parent process."""

from __future__ import annotations

import pickle
import resource
import sys
from collections.abc import Callable

import msgspec
from PIL import Image

from encoders.errors import InvalidImage
from encoders.media.images import decode_and_prepare
from encoders.media.preparation import ImagePreparer
from encoders.processes.messages import ImageDecodingSetup, PictureMessage, picture_to_message
from encoders.workers.connection import MainProcess


def main() -> None:
    """Serve until the parent is gone."""
    parent = MainProcess()
    setup = msgspec.msgpack.decode(parent.read(), type=ImageDecodingSetup)
    preparer: ImagePreparer = pickle.loads(setup.preparer)
    limit_memory(setup.memory_bytes)
    parent.send(None)
    # Looks for all formats' modules: while nothing is asked yet, rather than at the first picture of a rare one.
    Image.init()
    parent.serve(_request_handler(preparer))


def _request_handler(preparer: ImagePreparer) -> Callable[[bytearray], list[PictureMessage | str]]:
    files = msgspec.msgpack.Decoder(list[bytes])
    return lambda request: [decode_to_message(data, preparer) for data in files.decode(request)]


def decode_to_message(data: bytes, preparer: ImagePreparer) -> PictureMessage | str:
    """The prepared picture, or why it cannot be one."""
    try:
        return picture_to_message(decode_and_prepare(data, preparer))
    except InvalidImage as error:
        return str(error)


def limit_memory(memory_bytes: int) -> None:
    """Bound the address space where the system can, and leave no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main()
