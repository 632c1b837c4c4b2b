"""Vitals as metrics, in logs, and over the indexing worker's HTTP."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from encoders.liveness.config import LivenessConfig
from encoders.liveness.vitals import Vitals
from streams.errors import AddressNotAvailable
from streams.health import health_server
from vitrine.wiring.vital_signs import background, watched


async def test_metrics_tell_what_the_probes_do() -> None:
    registry, vitals = CollectorRegistry(), Vitals()
    part = Vitals(parent=vitals)
    async with watched(vitals, registry):
        with part.pulse("encoder", 0.0).busy("1 input"):
            await asyncio.sleep(0.01)
            text = generate_latest(registry).decode()
        vitals.outages.failed("milvus", "refused")
        later = generate_latest(registry).decode()
    assert "vitrine_alive 0.0" in text and 'vitrine_silent_seconds{part="encoder"} 0.0' in text
    assert "vitrine_alive 1.0" in later and "vitrine_ready 0.0" in later
    assert 'vitrine_server_away_seconds{server="milvus"}' in later and "vitrine_event_loop_delay_seconds" in later
    assert generate_latest(registry) == b""


async def test_a_verdict_is_logged_once_with_its_reasons(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vitrine")
    vitals = Vitals()
    vitals.outages.failed("milvus", "refused")
    async with watched(vitals, CollectorRegistry()):
        await asyncio.sleep(0.05)
    (record,) = [record for record in caplog.records if record.message.startswith("worker_")]
    assert record.message == "worker_not_ready" and "milvus" in str(vars(record)["why"])


async def test_background_work_that_fails_is_a_complaint_as_long_as_it_is_wanted() -> None:
    vitals = Vitals()

    async def fail() -> None:
        raise OSError("gone")

    async with background("registry", fail(), vitals):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [complaint.part for complaint in vitals.not_alive()] == ["registry"]
    assert not vitals.not_alive()


async def test_an_indexing_worker_says_why_it_is_not_ready() -> None:
    vitals = Vitals(LivenessConfig())
    async with (
        health_server("127.0.0.1", 0, vitals) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        with vitals.not_ready_for("worker", "is starting"):
            assert (await client.get("/healthz")).json() == {"status": "alive"}
            answer = await client.get("/readyz")
            assert answer.status_code == 503 and answer.headers["content-type"].startswith("application/problem+json")
            assert answer.json()["detail"] == "not ready: worker is starting"
            assert answer.json()["reasons"] == [{"part": "worker", "reason": "is starting"}]
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        with vitals.pulse("product batches", 0.0).busy("write"):
            await asyncio.sleep(0.01)
            assert (await client.get("/healthz")).status_code == 503


async def test_a_port_that_is_taken_is_named() -> None:
    async with health_server("127.0.0.1", 0, Vitals()) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(AddressNotAvailable, match=f"127.0.0.1:{port} .*address already in use.*health_port"):
            async with health_server("127.0.0.1", port, Vitals()):
                pass
