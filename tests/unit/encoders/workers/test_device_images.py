"""JPEGs on a device: the same pictures as by Pillow; what is no plain JPEG is left to it."""

from __future__ import annotations

import io

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from encoders.media.images import decode_and_prepare
from encoders.media.preparation import FixedSizePreparer, PatchPreparer, Preparer
from encoders.processes.messages import DecodePictures
from encoders.workers.device_images import DeviceDecoder, is_device_decodable, request_handler

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]
CROPPING = FixedSizePreparer(None, 40, (32, 32))
PREPARERS: list[Preparer] = [FixedSizePreparer((32, 32)), CROPPING, PatchPreparer(8, 24)]


def _picture(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    cells = np.random.default_rng(size[0]).integers(0, 256, (5, 7, 3), np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC).convert(mode)


def _file(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("preparer", PREPARERS)
def test_pictures_are_those_that_pillow_makes(device: str, preparer: Preparer) -> None:
    files = [_file(_picture(size)) for size in ((300, 200), (90, 160), (64, 64))] + [_file(_picture((120, 80), "L"))]
    for ours, data in zip(DeviceDecoder(torch.device(device), preparer)(files), files, strict=True):
        theirs = decode_and_prepare(data, preparer)
        assert ours is not None and ours.shape == theirs.shape and ours.dtype == np.uint8
        assert np.abs(ours.astype(int) - theirs).mean() < 3


def _turned() -> bytes:
    image = _picture((90, 60))
    exif = image.getexif()
    exif[0x0112] = 6
    return _file(image, exif=exif)


def test_what_is_no_plain_jpeg_is_left_to_pillow() -> None:
    whole = _file(_picture((90, 60)))
    others = [
        _file(_picture((90, 60)), "PNG"),
        _turned(),
        _file(_picture((90, 60), "CMYK")),
        whole[:-300],
        b"",
        b"\xff\xd9",
    ]
    assert is_device_decodable(whole) and not any(map(is_device_decodable, others))


def test_a_file_that_the_decoder_refuses_takes_no_others_along() -> None:
    whole = _file(_picture((90, 60)))
    broken = whole[:200] + b"\xff\xd9"
    outcomes = DeviceDecoder(torch.device("cpu"), CROPPING)([whole, broken, whole])
    assert outcomes[1] is None and np.array_equal(outcomes[0], outcomes[2])


def test_a_child_answers_with_a_picture_or_a_reason_for_each_file() -> None:
    files = [_file(_picture((90, 60))), _file(_picture((90, 60)), "PNG"), b"nonsense", _turned()]
    answers = request_handler(DeviceDecoder(torch.device("cpu"), CROPPING), CROPPING)(
        bytearray(msgspec.msgpack.encode(DecodePictures(files, [None] * len(files))))
    )
    assert [answer if isinstance(answer, str) else answer[:2] for answer in answers[:2]] == [(32, 32), (32, 32)]
    assert isinstance(answers[2], str) and not isinstance(answers[3], str)
