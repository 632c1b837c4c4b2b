"""`python -m encoders.workers.device_images`: the worker that decodes JPEGs on a GPU, and the rest by Pillow."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import torch
from PIL import ExifTags, Image
from torch import Tensor
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize

from encoders.media.budgets import DEFAULT_BYTES
from encoders.media.images import MAX_BYTES
from encoders.media.preparation import FixedSizePreparer, Pixels, Preparer
from encoders.processes.messages import DecodedPicture, DecodePictures, DecoderReady, ImageDecodingSetup
from encoders.processes.pixel_slots import SlotWriter
from encoders.workers.confinement import confine_model
from encoders.workers.connection import MainProcess
from encoders.workers.images import decode_to_message, hand_over

_MAX_DEVICE_PIXELS: Final = 40_000_000
"""Decoded whole on the device: larger ones are left to Pillow, which decodes them at a smaller scale."""
_END_OF_IMAGE: Final = b"\xff\xd9"
_MODES: Final = frozenset({"RGB", "L"})
_UPRIGHT: Final = frozenset({None, 1})
_FILTERS: Final = {
    Image.Resampling.NEAREST: InterpolationMode.NEAREST_EXACT,
    Image.Resampling.BILINEAR: InterpolationMode.BILINEAR,
    Image.Resampling.BICUBIC: InterpolationMode.BICUBIC,
}


class DeviceDecoder:
    """Decodes, resizes and crops plain JPEGs on a device, many at once; everything else is left to the caller."""

    def __init__(self, device: torch.device, preparer: Preparer) -> None:
        """Take a device and the preparer to redo there.

        Args:
            device: where to decode; on an NVIDIA GPU nvJPEG does it.
            preparer: of a preparer that trims borders or adds a margin, or has a filter that torchvision lacks, nothing
                is decoded here.
        """
        self._device = device
        self._preparer = preparer
        is_redone = not (isinstance(preparer, FixedSizePreparer) and (preparer.trim or preparer.margin))
        self._filter = _FILTERS.get(Image.Resampling(preparer.resample)) if is_redone else None

    def __call__(self, files: Sequence[bytes]) -> list[Pixels | None]:
        """Prepared pictures (height, width, 3) uint8; None for a file that Pillow has to decode, or refuse.

        Those are other formats, pictures to be turned upright, in other colours than RGB and grey, too large,
        truncated, smaller than the crop, and what the device's decoder refuses.
        """
        out: list[Pixels | None] = [None] * len(files)
        plain = [at for at, data in enumerate(files) if self._filter is not None and is_device_decodable(data)]
        on_device: dict[int, Tensor] = {}
        for at, picture in zip(plain, self._decoded([files[at] for at in plain]), strict=True):
            prepared = None if picture is None else self._prepared(picture)
            if prepared is not None:
                on_device[at] = prepared
        # Copied back after all are under way: the device does not wait for this process in between.
        for at, prepared in on_device.items():
            out[at] = prepared.permute(1, 2, 0).contiguous().cpu().numpy()
        return out

    def _decoded(self, files: Sequence[bytes]) -> list[Tensor | None]:
        """Pictures (3, height, width) uint8 on the device; None for a file that its decoder refuses."""
        if not files:
            return []
        # Copies: torch warns of memory that it may not write to.
        data = [torch.frombuffer(bytearray(file), dtype=torch.uint8) for file in files]
        try:
            return [*decode_jpeg(data, mode=ImageReadMode.RGB, device=self._device)]
        except RuntimeError:
            if len(files) == 1:
                return [None]
        return [self._decoded([file])[0] for file in files]

    def _prepared(self, picture: Tensor) -> Tensor | None:
        width, height = self._preparer.scaled(picture.shape[2], picture.shape[1])
        assert self._filter is not None
        small = resize(picture, [height, width], self._filter, antialias=True)
        crop = self._preparer.crop
        if crop is None:
            return small
        top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
        return small[:, top : top + crop[0], left : left + crop[1]] if min(top, left) >= 0 else None


def is_device_decodable(data: bytes) -> bool:
    """Whether a file's header and end say that it is a whole, upright JPEG in RGB or grey of an allowed size."""
    if len(data) > MAX_BYTES or not data.endswith(_END_OF_IMAGE):
        return False
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            small = 0 < image.width * image.height <= _MAX_DEVICE_PIXELS
            return small and image.mode in _MODES and image.getexif().get(ExifTags.Base.Orientation) in _UPRIGHT
    except Exception:
        # Pillow decodes it next, and gives the reason.
        return False


def main() -> None:
    """Serve until the main process is gone; the address space is not bounded, as GPU drivers reserve terabytes."""
    main_process = MainProcess()
    setup = msgspec.msgpack.decode(main_process.read(), type=ImageDecodingSetup)
    preparer: Preparer = pickle.loads(setup.preparer)
    torch.set_num_threads(1)
    slots = setup.slots and SlotWriter(setup.slots)
    device = torch.device(setup.device)
    torch.empty(0, device=device)
    Image.init()
    main_process.start_threads()
    # The driver opens its devices, and starts threads, when it likes.
    missing = confine_model(may_start_programs=False)
    answer = request_handler(DeviceDecoder(device, preparer), preparer, setup.budget_bytes, slots)
    main_process.serve(DecoderReady([*missing]), answer)


def request_handler(
    on_device: DeviceDecoder, preparer: Preparer, budget_bytes: int = DEFAULT_BYTES, slots: SlotWriter | None = None
) -> Callable[[bytearray], list[DecodedPicture | str]]:
    """Answers to requests: each picture from the device, or else from Pillow."""
    requests = msgspec.msgpack.Decoder(DecodePictures)

    def decode(request: bytearray) -> list[DecodedPicture | str]:
        wanted = requests.decode(request)
        return [
            decode_to_message(file, preparer, budget_bytes, slots, slot)
            if pixels is None
            else hand_over(pixels, slots, slot)
            for file, slot, pixels in zip(wanted.files, wanted.slots, on_device(wanted.files), strict=True)
        ]

    return decode


if __name__ == "__main__":
    main()
