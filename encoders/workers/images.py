"""`python -m encoders.workers.images`: the worker that decodes and prepares picture files, within bounds."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
from collections.abc import Callable

import msgspec
import numpy as np
from PIL import Image

from encoders.errors import InvalidImage
from encoders.media.images import FORMATS, decode_and_prepare, decode_image
from encoders.media.preparation import ImagePreparer, Pixels
from encoders.processes.messages import (
    DecodedPicture,
    DecodePictures,
    DecoderReady,
    ImageDecodingSetup,
)
from encoders.processes.pixel_slots import SlotWriter
from encoders.workers.confinement import confine_decoder
from encoders.workers.connection import MainProcess


def main() -> None:
    """Serve until the main process is gone."""
    main_process = MainProcess()
    setup = msgspec.msgpack.decode(main_process.read(), type=ImageDecodingSetup)
    preparer: ImagePreparer = pickle.loads(setup.preparer)
    slots = setup.slots and SlotWriter(setup.slots)
    load_decoders()
    # Not before: a start takes the longer, the less of the processor there is. Threads have it from here.
    os.nice(setup.niceness)
    main_process.start_threads()
    missing = confine_decoder(setup.memory_bytes)
    main_process.serve(DecoderReady([*missing]), _request_handler(preparer, setup.budget_bytes, slots))


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


def _request_handler(
    preparer: ImagePreparer, budget_bytes: int, slots: SlotWriter | None
) -> Callable[[bytearray], list[DecodedPicture | str]]:
    requests = msgspec.msgpack.Decoder(DecodePictures)

    def decode(request: bytearray) -> list[DecodedPicture | str]:
        wanted = requests.decode(request)
        return [
            decode_to_message(data, preparer, budget_bytes, slots, slot)
            for data, slot in zip(wanted.files, wanted.slots, strict=True)
        ]

    return decode


def decode_to_message(
    data: bytes, preparer: ImagePreparer, budget_bytes: int, slots: SlotWriter | None, slot: int | None
) -> DecodedPicture | str:
    """The prepared picture of a file as a message, or why there is none."""
    try:
        return hand_over(decode_and_prepare(data, preparer, budget_bytes), slots, slot)
    except InvalidImage as error:
        return str(error)


def hand_over(pixels: Pixels, slots: SlotWriter | None, slot: int | None) -> DecodedPicture:
    """Pixels (height, width, 3) uint8 as a message, left in the slot where there is one."""
    if slots is not None and slot is not None and slots.write(slot, pixels):
        return pixels.shape[0], pixels.shape[1], None
    return pixels.shape[0], pixels.shape[1], np.ascontiguousarray(pixels).data


if __name__ == "__main__":
    main()
