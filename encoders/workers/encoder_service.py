"""`python -m encoders.workers.encoder_service`: the process that holds a model for many clients."""

from __future__ import annotations

import os
import socket
import threading
import traceback
from collections.abc import Callable

import msgspec

from encoders.loading import load_encoder
from encoders.processes.messages import EncoderReady, ErrorMessage
from encoders.service.connections import ClientConnections
from encoders.service.device_loop import DeviceLoop
from encoders.service.opening import ServedSetup, ServiceLoad
from encoders.service.pass_queue import PassQueue
from encoders.workers.confinement import confine_model
from encoders.workers.connection import MainProcess


def main() -> None:
    """Load the encoder, or send the error; then serve clients until the main process is gone."""
    main_process = MainProcess()
    served = msgspec.msgpack.decode(main_process.read(), type=ServedSetup)
    try:
        encoder = load_encoder(served.setup.name, served.setup.runtime)
    except Exception as error:
        main_process.send(ErrorMessage.from_error(error))
        return
    passes = PassQueue()
    device = DeviceLoop(encoder, passes)
    connections = ClientConnections(socket.socket(fileno=served.descriptor), encoder, passes)
    main_process.start_threads()
    missing = confine_model(may_start_programs=served.setup.runtime.compile)
    _start(device.run)
    _start(connections.run)

    def load(_: bytearray) -> ServiceLoad:
        # Not answered by a device that hangs: the main process then ends this one.
        passes.beat()
        return ServiceLoad(connections.count, passes.waiting("query", "indexing"), device.passes, device.inputs)

    main_process.serve(EncoderReady(encoder.spec, encoder.preparer, encoder.prompts, [*missing]), load)


def _start(run: Callable[[], None]) -> None:
    """Run something in a thread, which ends this process when it ends."""

    def run_or_die() -> None:
        try:
            run()
        except BaseException:
            traceback.print_exc()
        os._exit(1)

    threading.Thread(target=run_or_die, daemon=True).start()


if __name__ == "__main__":
    main()
