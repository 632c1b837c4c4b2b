"""`python -m encoders.workers.device_images`: decodes JPEGs on a GPU for the parent, the rest as its sibling."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import msgspec
import torch
from PIL import Image

from encoders.media.preparation import Preparer
from encoders.processes.messages import ImageDecodingSetup, PictureMessage, picture_to_message
from encoders.workers.connection import MainProcess
from encoders.workers.device_decoding import DeviceDecoder
from encoders.workers.images import decode_to_message


def main() -> None:
    """Serve until the parent is gone. Its address space is not bounded: a GPU's driver reserves terabytes of it."""
    parent = MainProcess()
    setup = msgspec.msgpack.decode(parent.read(), type=ImageDecodingSetup)
    preparer: Preparer = pickle.loads(setup.preparer)
    torch.set_num_threads(1)
    device = torch.device(setup.device)
    torch.empty(0, device=device)
    parent.send(None)
    Image.init()
    parent.serve(request_handler(DeviceDecoder(device, preparer), preparer))


def request_handler(on_device: DeviceDecoder, preparer: Preparer) -> Callable[[bytearray], list[PictureMessage | str]]:
    """Answers to requests: each picture from the device, or else from Pillow."""
    files = msgspec.msgpack.Decoder(list[bytes])

    def decode(request: bytearray) -> list[PictureMessage | str]:
        whole = files.decode(request)
        return [
            decode_to_message(data, preparer) if done is None else picture_to_message(done)
            for data, done in zip(whole, on_device(whole), strict=True)
        ]

    return decode


if __name__ == "__main__":
    main()
