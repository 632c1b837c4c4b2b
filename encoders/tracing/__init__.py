"""Traces: which stages a request or a batch went through, seen across processes. Off, nothing of OpenTelemetry is
imported."""
