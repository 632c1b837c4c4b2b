"""`python -m encoders.workers.recogniser`: listens for the parent process."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec
import numpy as np

from encoders.processes.messages import ErrorMessage, RecogniserReady, RecogniserSetup, Transcribed
from encoders.speech.loading import load_recogniser
from encoders.speech.port import BlockingRecogniser
from encoders.workers.connection import MainProcess

NICENESS: Final = 10


def main() -> None:
    """Load the recogniser, or say why not; serve until the parent is gone."""
    parent = MainProcess()
    setup = msgspec.msgpack.decode(parent.read(), type=RecogniserSetup)
    try:
        listener = _load_at_low_priority(setup)
    except Exception as error:
        parent.send(ErrorMessage.from_error(error))
        return
    parent.send(RecogniserReady())
    parent.serve(_request_handler(listener))


def _load_at_low_priority(setup: RecogniserSetup) -> BlockingRecogniser:
    """Load in a thread of low priority, which on Linux is the thread's own; a whole process could not go back.

    Learning a catalogue's words keeps a core busy for seconds, mostly when no one waits for it.
    """
    with ThreadPoolExecutor(1, initializer=os.nice, initargs=(NICENESS,)) as thread:
        return thread.submit(load_recogniser, setup.name, setup.device, setup.vocabulary).result()


def _request_handler(listener: BlockingRecogniser) -> Callable[[bytearray], Transcribed | ErrorMessage]:
    sounds = msgspec.msgpack.Decoder(bytes)

    def transcribe(request: bytearray) -> Transcribed | ErrorMessage:
        try:
            return Transcribed(listener.transcribe(np.frombuffer(sounds.decode(request), np.int16)))
        except Exception as error:
            return ErrorMessage.from_error(error)

    return transcribe


if __name__ == "__main__":
    main()
