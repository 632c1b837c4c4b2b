"""The tracer of a process, as its settings have it."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from encoders.errors import MissingPackage
from encoders.packages import missing
from encoders.tracing.config import TracesConfig
from encoders.tracing.spans import Tracer


@contextlib.contextmanager
def open_tracer(config: TracesConfig, service: str) -> Generator[Tracer | None]:
    """The tracer; None: traces are off, and nothing of OpenTelemetry is loaded.

    Args:
        config: whether they are on.
        service: what the process is called where `OTEL_SERVICE_NAME` does not say.

    Raises:
        MissingPackage: they are on, and OpenTelemetry is not installed.
    """
    if not config.enabled:
        yield None
        return
    try:
        from encoders.tracing.exporting import exporting_tracer
    except ImportError as error:
        raise MissingPackage(missing("traces.enabled", "opentelemetry")) from error
    with exporting_tracer(service) as tracer:
        yield tracer
