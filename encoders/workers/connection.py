"""A worker process's connection to its main process: requests in, answers out, in order, until that process ends."""

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
_STACK_BYTES = 2**18
"""Of the threads that read and write: a confined process's memory is what it may touch, stacks included."""
_QUEUE_SIZE = 2
"""The most requests read ahead, and the most answers not yet written: computing waits for neither direction."""


class MainProcess:
    """The connection to the main process: the socket that is this process's standard input."""

    def __init__(self) -> None:
        """Take the socket over, and have this process end with the main process, and not before."""
        _die_with_main_process()
        # The main process finishes its work before it ends; signals to the whole group must not cut that short.
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_IGN)
        self._socket = socket.socket(fileno=os.dup(0))
        # Libraries that read standard input or print must not reach the socket.
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)
        self._requests: queue.Queue[bytearray] = queue.Queue(_QUEUE_SIZE)
        self._answers: queue.Queue[bytearray] = queue.Queue(_QUEUE_SIZE)

    def read(self) -> bytearray:
        """Wait for the next frame, and return its message. Ends the process when the main process is gone."""
        (length,) = LENGTH.unpack(self._receive_exactly(LENGTH.size))
        return self._receive_exactly(length)

    def send(self, message: Any) -> None:
        """Write one frame. Ends the process when the main process is gone."""
        self._write(encode_frame(message))

    def start_threads(self) -> None:
        """Start the threads that read requests and write answers: a confined process can start none later."""
        _start_loop_thread(lambda: self._requests.put(self.read()))
        _start_loop_thread(lambda: self._write(self._answers.get()))

    def serve(self, ready: Any, answer: Callable[[bytearray], Any]) -> None:
        """Say that this process is ready, and answer requests for ever.

        While one is computed, the next is read and the last answer is written. Call `start_threads` before.

        Args:
            ready: the first frame that is sent, which msgspec can encode.
            answer: makes the answer, which msgspec can encode, of a request's bytes.
        """
        self._answers.put(encode_frame(ready))
        while True:
            request = self._requests.get()
            # An empty frame asks whether this process still answers; by here it has gone all the way of a request.
            self._answers.put(encode_frame(answer(request)) if request else bytearray(LENGTH.size))

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
    """End the process quietly where the socket fails: the main process is gone."""
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

    threading.stack_size(_STACK_BYTES)
    threading.Thread(target=run, daemon=True).start()
    threading.stack_size(0)


def _die_with_main_process() -> None:
    """On Linux, be killed with the main process even in native code that never returns. Elsewhere the closed socket
    ends this process, once it reads or writes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
