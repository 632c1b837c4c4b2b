"""The encoder service as a process: `vitrine worker encoder`."""

from __future__ import annotations

import logging

from encoders.liveness.vitals import Vitals
from encoders.service.server import EncoderService
from streams.health import health_server
from vitrine.errors import VitrineError
from vitrine.settings import Settings
from vitrine.wiring.vital_signs import background, stopped_by_signal, watched

log = logging.getLogger(__name__)


async def run_encoder_service(settings: Settings) -> None:
    """Encode for the workers of this machine until SIGTERM or SIGINT; what is under way then, they ask for again.

    Raises:
        VitrineError: the settings name no socket for it.
    """
    config = settings.encoder
    if config.service_path is None:
        raise VitrineError("the encoder service needs a socket: VITRINE_ENCODER_SERVICE=unix:/PATH, also for workers")
    stop = stopped_by_signal()
    vitals = Vitals(settings.liveness)
    serving = health_server(config.health_host, config.health_port, vitals)
    async with watched(vitals), serving as url, EncoderService(config.service_path) as service:
        vitals.watch_process("encoder", service, service.deadline_s)
        async with background("clients", service.run(), vitals):
            log.info("worker_started", extra={"socket": str(config.service_path), "health": url})
            await stop.wait()
    log.info("worker_stopped")
