"""`python -m encoders.children.media`: decodes sounds and clips, within bounds, for the parent process."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import av.logging
import msgspec

from encoders.children.decode import limit_memory
from encoders.children.frames import Clip, ClipFile, MediaSetup, Refused, Sound, SoundFile, picture
from encoders.children.serving import Parent
from encoders.errors import InvalidAudio, InvalidVideo
from encoders.preparation import ImagePreparer
from encoders.speech.sound import decode_sound
from encoders.video.clips import clip_frames


def main() -> None:
    """Serve until the parent is gone."""
    parent = Parent()
    setup = msgspec.msgpack.decode(parent.read(), type=MediaSetup)
    preparer: ImagePreparer = pickle.loads(setup.preparer)
    limit_memory(setup.memory_bytes)
    # What FFmpeg thinks of a broken file is in the answer, not in our log.
    av.logging.set_level(av.logging.PANIC)
    parent.send(None)
    parent.serve(_decoder(preparer))


def _decoder(preparer: ImagePreparer) -> Callable[[bytearray], Sound | Clip | Refused]:
    files = msgspec.msgpack.Decoder(SoundFile | ClipFile)

    def decode(request: bytearray) -> Sound | Clip | Refused:
        file = files.decode(request)
        try:
            if isinstance(file, SoundFile):
                return Sound(decode_sound(file.data, file.max_seconds).tobytes())
            frames = [picture(preparer(one)) for one in clip_frames(file.data, file.max_frames)]
            return Clip(frames)  # pyright: ignore[reportArgumentType]
        except (InvalidAudio, InvalidVideo) as error:
            return Refused(str(error))

    return decode


if __name__ == "__main__":
    main()
