"""`python -m encoders.workers.media`: the worker that decodes sounds and clips, within bounds."""

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
    """Serve until the main process is gone."""
    main_process = MainProcess()
    setup = msgspec.msgpack.decode(main_process.read(), type=MediaDecodingSetup)
    preparer: ImagePreparer = pickle.loads(setup.preparer)
    limit_memory(setup.memory_bytes)
    # FFmpeg's complaints about a file are in the answer; the log need not have them too.
    av.logging.set_level(av.logging.PANIC)
    main_process.send(None)
    main_process.serve(_request_handler(preparer))


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
