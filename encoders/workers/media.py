"""`python -m encoders.workers.media`: decodes sounds and clips, within bounds, for the parent process."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import av.logging
import msgspec

from encoders.errors import InvalidAudio, InvalidVideo
from encoders.media.clips import clip_frames
from encoders.media.preparation import ImagePreparer
from encoders.media.sound import decode_sound
from encoders.processes.messages import (
    DecodeClip,
    DecodedClip,
    DecodedSound,
    DecodeSound,
    DecodingRefused,
    MediaDecodingSetup,
    picture_to_message,
)
from encoders.workers.connection import MainProcess
from encoders.workers.images import limit_memory


def main() -> None:
    """Serve until the parent is gone."""
    parent = MainProcess()
    setup = msgspec.msgpack.decode(parent.read(), type=MediaDecodingSetup)
    preparer: ImagePreparer = pickle.loads(setup.preparer)
    limit_memory(setup.memory_bytes)
    # What FFmpeg thinks of a broken file is in the answer, not in our log.
    av.logging.set_level(av.logging.PANIC)
    parent.send(None)
    parent.serve(_request_handler(preparer))


def _request_handler(preparer: ImagePreparer) -> Callable[[bytearray], DecodedSound | DecodedClip | DecodingRefused]:
    files = msgspec.msgpack.Decoder(DecodeSound | DecodeClip)

    def decode(request: bytearray) -> DecodedSound | DecodedClip | DecodingRefused:
        file = files.decode(request)
        try:
            if isinstance(file, DecodeSound):
                return DecodedSound(decode_sound(file.data, file.max_seconds).tobytes())
            frames = [picture_to_message(preparer(frame)) for frame in clip_frames(file.data, file.max_frames)]
            return DecodedClip(frames)  # pyright: ignore[reportArgumentType]
        except (InvalidAudio, InvalidVideo) as error:
            return DecodingRefused(str(error))

    return decode


if __name__ == "__main__":
    main()
