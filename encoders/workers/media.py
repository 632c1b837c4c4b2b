"""`python -m encoders.workers.media`: the worker that decodes sounds and clips, within bounds."""

from __future__ import annotations

import contextlib
import io
import pickle
import wave
from collections.abc import Callable

import av.logging
import msgspec
from PIL import Image

from encoders.errors import InvalidAudio, InvalidVideo
from encoders.media.clips import clip_frames
from encoders.media.preparation import ImagePreparer
from encoders.media.sound import decode_sound
from encoders.processes.messages import (
    DecodeClip,
    DecodedClip,
    DecodedSound,
    DecoderReady,
    DecodeSound,
    DecodingRefused,
    MediaDecodingSetup,
    picture_to_message,
)
from encoders.workers.confinement import confine_decoder
from encoders.workers.connection import MainProcess


def main() -> None:
    """Serve until the main process is gone."""
    main_process = MainProcess()
    setup = msgspec.msgpack.decode(main_process.read(), type=MediaDecodingSetup)
    preparer: ImagePreparer = pickle.loads(setup.preparer)
    # FFmpeg's complaints about a file are in the answer; the log need not have them too.
    av.logging.set_level(av.logging.PANIC)
    load_decoders()
    main_process.start_threads()
    missing = confine_decoder(setup.memory_bytes)
    main_process.serve(DecoderReady([*missing]), _request_handler(preparer))


def load_decoders() -> None:
    """Decode a sound and a clip, so that all modules and libraries are loaded: no file can be opened later."""
    sound, clip = io.BytesIO(), io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(3_200))
    Image.new("RGB", (16, 16)).save(clip, "GIF", save_all=True, append_images=[Image.new("RGB", (16, 16), "red")])
    with contextlib.suppress(InvalidAudio):
        decode_sound(sound.getvalue(), 1)
    with contextlib.suppress(InvalidVideo):
        clip_frames(clip.getvalue())


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
