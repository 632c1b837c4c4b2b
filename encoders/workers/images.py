"""`python -m encoders.workers.images`: the worker that decodes and prepares picture files, within bounds."""

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
    """Serve until the main process is gone."""
    main_process = MainProcess()
    setup = msgspec.msgpack.decode(main_process.read(), type=ImageDecodingSetup)
    preparer: ImagePreparer = pickle.loads(setup.preparer)
    limit_memory(setup.memory_bytes)
    main_process.send(None)
    # Loads the modules of all formats now rather than with the first picture of a rare one.
    Image.init()
    main_process.serve(_request_handler(preparer))


def _request_handler(preparer: ImagePreparer) -> Callable[[bytearray], list[PictureMessage | str]]:
    files = msgspec.msgpack.Decoder(list[bytes])
    return lambda request: [decode_to_message(data, preparer) for data in files.decode(request)]


def decode_to_message(data: bytes, preparer: ImagePreparer) -> PictureMessage | str:
    """The prepared picture of a file as a message, or why there is none."""
    try:
        return picture_to_message(decode_and_prepare(data, preparer))
    except InvalidImage as error:
        return str(error)


def limit_memory(memory_bytes: int) -> None:
    """Bound this process's address space, in bytes (Linux alone), and have it leave no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main()
