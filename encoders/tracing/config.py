"""Settings of traces; where they go and how many are kept, OpenTelemetry's own variables say (`OTEL_…`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TracesConfig:
    """Traces for OpenTelemetry."""

    enabled: bool = False
    """Tells a collector of requests and batches, over OTLP (HTTP); it takes `vitrine[traces]`. Where it is, and how
    many are told of, are OpenTelemetry's own variables: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, …"""
