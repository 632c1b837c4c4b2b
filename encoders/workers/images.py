"""`python -m encoders.workers.images`: the worker that decodes and prepares picture files, within bounds."""

from __future__ import annotations

import contextlib
import io
import pickle
from collections.abc import Callable

import msgspec
from PIL import Image

from encoders.errors import InvalidImage
from encoders.media.images import FORMATS, decode_and_prepare, decode_image
from encoders.media.preparation import ImagePreparer
from encoders.processes.messages import DecoderReady, ImageDecodingSetup, PictureMessage, picture_to_message
from encoders.workers.confinement import confine_decoder
from encoders.workers.connection import MainProcess


def main() -> None:
    """Serve until the main process is gone."""
    main_process = MainProcess()
    setup = msgspec.msgpack.decode(main_process.read(), type=ImageDecodingSetup)
    preparer: ImagePreparer = pickle.loads(setup.preparer)
    load_decoders()
    main_process.start_threads()
    missing = confine_decoder(setup.memory_bytes)
    main_process.serve(DecoderReady([*missing]), _request_handler(preparer, setup.budget_bytes))


def load_decoders() -> None:
    """Decode a picture of each format, so that all modules and libraries are loaded: no file can be opened later."""
    Image.init()
    exif = Image.Exif()
    exif[0x0112] = 3
    for kind in FORMATS:
        file = io.BytesIO()
        Image.new("RGB", (8, 8)).save(file, kind, exif=exif)
        with contextlib.suppress(InvalidImage):
            decode_image(file.getvalue())


def _request_handler(preparer: ImagePreparer, budget_bytes: int) -> Callable[[bytearray], list[PictureMessage | str]]:
    files = msgspec.msgpack.Decoder(list[bytes])
    return lambda request: [decode_to_message(data, preparer, budget_bytes) for data in files.decode(request)]


def decode_to_message(data: bytes, preparer: ImagePreparer, budget_bytes: int) -> PictureMessage | str:
    """The prepared picture of a file as a message, or why there is none."""
    try:
        return picture_to_message(decode_and_prepare(data, preparer, budget_bytes))
    except InvalidImage as error:
        return str(error)


if __name__ == "__main__":
    main()
