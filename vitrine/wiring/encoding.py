"""Where a worker's encoder runs: in the encoder service, or in a process of its own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from encoders.loading import load_encoder
from encoders.port import Encoder
from encoders.processes.encoder import EncoderProcess
from encoders.processes.messages import EncoderSetup
from encoders.service.client import ServiceEncoder
from encoders.service.loop_client import EncoderClient, connected
from encoders.service.opening import OpenEncoder
from vitrine.settings import Settings

IndexingEncoder = EncoderProcess | EncoderClient
"""An encoder for an event loop, not yet entered."""


def encoder_for_indexing(settings: Settings, name: str) -> IndexingEncoder:
    """An encoder for batches: of the service that the settings name, else in a process of this worker's own."""
    path, runtime = settings.encoder.service_path, settings.encoder.runtime
    return EncoderProcess(name, runtime) if path is None else EncoderClient(path, name, runtime)


async def encoder_for_queries(settings: Settings, name: str, resources: AsyncExitStack) -> Encoder:
    """An encoder for queries: of the service, where they go before all batches, else in this process.

    Raises:
        EncoderError: it cannot be loaded, or no service answers.
    """
    path, runtime = settings.encoder.service_path, settings.encoder.runtime
    if path is None:
        return await asyncio.to_thread(load_encoder, name, runtime)
    deadline_s = settings.query.encode_deadline_s
    encoder: ServiceEncoder = await connected(path, OpenEncoder(EncoderSetup(name, runtime), "query"), deadline_s)
    resources.callback(encoder.close)
    return encoder
