"""`python -m encoders.workers.recogniser`: the worker that holds a speech recogniser."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from encoders.processes.messages import ErrorMessage, RecogniserReady, RecogniserSetup, Transcribed
from encoders.speech.loading import load_recogniser
from encoders.speech.port import WHISPER_MODEL, BlockingRecogniser
from encoders.workers.confinement import confine_model
from encoders.workers.connection import MainProcess

NICENESS: Final = 10
"""Added to the priority of the thread that loads: higher gives way to others."""


def main() -> None:
    """Load the recogniser, or send the error; then serve until the main process is gone."""
    main_process = MainProcess()
    setup = msgspec.msgpack.decode(main_process.read(), type=RecogniserSetup)
    try:
        # Threads of CTranslate2 would keep the priority that they are started with; its model is there at once.
        recogniser = _load(setup) if setup.name == WHISPER_MODEL else _load_at_low_priority(setup)
    except Exception as error:
        main_process.send(ErrorMessage.from_error(error))
        return
    main_process.start_threads()
    missing = confine_model(may_start_programs=False)
    main_process.serve(RecogniserReady([*missing]), _request_handler(recogniser))


def _load_at_low_priority(setup: RecogniserSetup) -> BlockingRecogniser:
    """Load in a thread of low priority: learning a catalogue's words keeps a core busy for seconds.

    On Linux the priority is the thread's own. A process that lowered its priority could not raise it again.
    """
    with ThreadPoolExecutor(1, initializer=os.nice, initargs=(NICENESS,)) as thread:
        return thread.submit(_load, setup).result()


def _load(setup: RecogniserSetup) -> BlockingRecogniser:
    return load_recogniser(setup.name, setup.device, setup.vocabulary, setup.languages, Path(setup.cache))


def _request_handler(recogniser: BlockingRecogniser) -> Callable[[bytearray], Transcribed | ErrorMessage]:
    sounds = msgspec.msgpack.Decoder(bytes)

    def transcribe(request: bytearray) -> Transcribed | ErrorMessage:
        try:
            return Transcribed(recogniser.transcribe(np.frombuffer(sounds.decode(request), np.int16)))
        except Exception as error:
            return ErrorMessage.from_error(error)

    return transcribe


if __name__ == "__main__":
    main()
