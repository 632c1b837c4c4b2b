"""Spans on their way to a collector that is slow, away, or gone; and none at all where traces are off."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from encoders.errors import MissingPackage
from encoders.tracing import exporting
from encoders.tracing.config import TracesConfig
from encoders.tracing.exporting import DROPPED, BoundedProcessor, SeldomFilter
from encoders.tracing.open_telemetry import SdkTracer
from encoders.tracing.opening import open_tracer
from encoders.tracing.trace_context import TraceContext

PARENT = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)


class HeldExporter(SpanExporter):
    """Takes spans once it is let."""

    def __init__(self, result: SpanExportResult = SpanExportResult.SUCCESS) -> None:
        self.let, self.asked = threading.Event(), threading.Event()
        self.names: list[str] = []
        self._result = result

    def export(self, spans):
        self.asked.set()
        self.let.wait(30)
        self.names += [span.name for span in spans]
        return self._result


def dropped(reason: str) -> float:
    return DROPPED.labels(reason)._value.get()


def tracer_to(exporter: SpanExporter, max_waiting: int) -> tuple[SdkTracer, TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BoundedProcessor(exporter, max_waiting))
    return SdkTracer(provider), provider


def test_a_collector_that_hangs_holds_up_nobody_and_what_is_too_much_is_dropped_and_counted(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
    exporter, before = HeldExporter(), dropped("full")
    tracer, provider = tracer_to(exporter, 4)
    for number in (1, 2):
        tracer.begin(str(number), "server", {}).end()
    assert exporter.asked.wait(30)
    for number in range(3, 10):
        tracer.begin(str(number), "server", {}).end()
    assert dropped("full") == before + 3
    exporter.let.set()
    provider.shutdown()
    assert exporter.names == ["1", "2", "3", "4", "5", "6"]


def test_what_a_collector_refuses_is_counted():
    exporter, before = HeldExporter(SpanExportResult.FAILURE), dropped("export")
    exporter.let.set()
    tracer, provider = tracer_to(exporter, 512)
    tracer.begin("lost", "server", {}).end()
    provider.shutdown()
    assert dropped("export") == before + 1


def test_a_process_does_not_wait_for_a_collector_that_is_away(monkeypatch):
    monkeypatch.setattr(exporting, "FLUSH_S", 0.1)
    monkeypatch.setattr(exporting, "OTLPSpanExporter", HeldExporter)
    with open_tracer(TracesConfig(enabled=True), "test") as tracer:
        assert tracer is not None
        tracer.begin("last", "server", {}).end()
        ended_s = time.monotonic()
    assert time.monotonic() - ended_s < 20


def test_that_a_collector_is_away_is_said_once_a_minute(monkeypatch):
    now_s = iter([1_000.0, 1_001.0, 1_059.0, 1_061.0, 1_062.0])
    monkeypatch.setattr(exporting.time, "monotonic", lambda: next(now_s))
    seldom, line = SeldomFilter(), logging.makeLogRecord({"msg": "Transient error"})
    assert [seldom.filter(line) for _ in range(5)] == [True, False, False, True, False]


@pytest.mark.parametrize(
    ("sampler", "is_recorded"), [("always_off", False), ("traceidratio", False), ("parentbased_always_off", True)]
)
def test_whether_a_batch_is_recorded_is_what_its_events_would_be(monkeypatch, sampler, is_recorded):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    tracer = SdkTracer(TracerProvider(shutdown_on_exit=False))
    assert tracer.begin("batch", "consumer", {}, links=[PARENT]).is_recorded is is_recorded


@pytest.mark.parametrize(
    ("name", "value", "service"),
    [("OTEL_SERVICE_NAME", "shop", "shop"), ("OTEL_RESOURCE_ATTRIBUTES", "a=b", "vitrine-query")],
)
def test_a_service_is_called_as_its_variables_say_or_by_its_role(monkeypatch, name, value, service):
    monkeypatch.setenv(name, value)
    assert exporting._resource("vitrine-query").attributes["service.name"] == service


def test_without_open_telemetry_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "encoders.tracing.exporting")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    missing = pytest.raises(MissingPackage, match=r"traces.enabled .* pip install 'vitrine\[traces\]'")
    with missing, open_tracer(TracesConfig(enabled=True), "test"):
        pass


def test_off_nothing_of_open_telemetry_is_loaded():
    program = (
        "import sys, vitrine.wiring.query_worker, vitrine.wiring.indexing_worker\n"
        "from encoders.tracing.config import TracesConfig\n"
        "from encoders.tracing.opening import open_tracer\n"
        "with open_tracer(TracesConfig(), 'test') as tracer:\n"
        "    print(tracer, {'encoders.tracing.exporting', 'opentelemetry.exporter'} & {*sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout == "None set()\n", done.stderr
