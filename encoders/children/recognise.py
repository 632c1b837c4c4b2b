"""`python -m encoders.children.recognise`: listens for the parent process."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec
import numpy as np

from encoders.children.frames import Failure, Heard, ListenerReady, ListenerSetup
from encoders.children.serving import Parent
from encoders.speech.loading import load_listener
from encoders.speech.port import Listener

NICENESS: Final = 10


def main() -> None:
    """Load the recogniser, or say why not; serve until the parent is gone."""
    parent = Parent()
    setup = msgspec.msgpack.decode(parent.read(), type=ListenerSetup)
    try:
        listener = _loaded(setup)
    except Exception as error:
        parent.send(Failure.of(error))
        return
    parent.send(ListenerReady())
    parent.serve(_transcribe(listener))


def _loaded(setup: ListenerSetup) -> Listener:
    """Load in a thread of low priority, which on Linux is the thread's own; a whole process could not go back.

    Learning a catalogue's words keeps a core busy for seconds, mostly when no one waits for it.
    """
    with ThreadPoolExecutor(1, initializer=os.nice, initargs=(NICENESS,)) as thread:
        return thread.submit(load_listener, setup.name, setup.device, setup.spoken).result()


def _transcribe(listener: Listener) -> Callable[[bytearray], Heard | Failure]:
    sounds = msgspec.msgpack.Decoder(bytes)

    def transcribe(request: bytearray) -> Heard | Failure:
        try:
            return Heard(listener.transcribe(np.frombuffer(sounds.decode(request), np.int16)))
        except Exception as error:
            return Failure.of(error)

    return transcribe


if __name__ == "__main__":
    main()
