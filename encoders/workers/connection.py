"""The child's side: requests in, answers out, in order, for as long as the parent lives."""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from encoders.processes.messages import LENGTH, encode_frame

_PR_SET_PDEATHSIG = 1
_QUEUE_SIZE = 2
"""Frames read before they are asked for, and answers not yet written: so neither side waits for the other's turn."""


class MainProcess:
    """The way to the parent process: the socket that is this process's standard input."""

    def __init__(self) -> None:
        """Take the socket over, and see to it that this process ends with its parent, and not before."""
        _die_with_main_process()
        # The parent drains its work before it ends; signals to the whole group must not cut that short.
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_IGN)
        self._socket = socket.socket(fileno=os.dup(0))
        # What libraries read or print by themselves must not mix with frames.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)

    def read(self) -> bytearray:
        """Wait for the next frame; ends the process when there will be none."""
        (length,) = LENGTH.unpack(self._receive_exactly(LENGTH.size))
        return self._receive_exactly(length)

    def send(self, message: Any) -> None:
        """Write one frame; ends the process when nobody reads it."""
        self._write(encode_frame(message))

    def serve(self, answer: Callable[[bytearray], Any]) -> None:
        """Answer requests for ever: the next is read and the last is written while one is worked on."""
        requests: queue.Queue[bytearray] = queue.Queue(_QUEUE_SIZE)
        answers: queue.Queue[bytearray] = queue.Queue(_QUEUE_SIZE)
        _start_loop_thread(lambda: requests.put(self.read()))
        _start_loop_thread(lambda: self._write(answers.get()))
        while True:
            answers.put(encode_frame(answer(requests.get())))

    def _receive_exactly(self, length: int) -> bytearray:
        data = bytearray(length)
        view, filled = memoryview(data), 0
        with _exit_when_disconnected():
            while filled < length:
                received = self._socket.recv_into(view[filled:])
                if received == 0:
                    os._exit(0)
                filled += received
        return data

    def _write(self, data: bytearray) -> None:
        with _exit_when_disconnected():
            self._socket.sendall(data)


@contextlib.contextmanager
def _exit_when_disconnected() -> Iterator[None]:
    """Nobody is at the other end any more."""
    try:
        yield
    except OSError:
        os._exit(0)


def _start_loop_thread(step: Callable[[], None]) -> None:
    def run() -> None:
        try:
            while True:
                step()
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    threading.Thread(target=run, daemon=True).start()


def _die_with_main_process() -> None:
    """Die with the parent even in native code that never returns; elsewhere than on Linux the socket's end says it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
