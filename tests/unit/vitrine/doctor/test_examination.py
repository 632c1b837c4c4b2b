"""The doctor: works with nothing running, changes nothing, and no check ends another."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vitrine.cli import main
from vitrine.doctor.examination import Check, examine
from vitrine.doctor.findings import Finding, ok
from vitrine.settings import Settings, load_settings


def settings_of(tmp_path: Path, **environ: str) -> Settings:
    return load_settings({"VITRINE_DATA_DIR": str(tmp_path / "data"), **environ})


def hangs(_: Settings) -> AsyncIterator[Finding]:
    async def findings() -> AsyncIterator[Finding]:
        yield ok("first", "was seen")
        await asyncio.Event().wait()

    return findings()


def breaks(_: Settings) -> Iterator[Finding]:
    raise ZeroDivisionError("redis://user:secret@host/0")
    yield


def works(_: Settings) -> Iterator[Finding]:
    yield ok("last", "was seen")


async def test_a_check_that_hangs_or_breaks_stops_no_other(tmp_path: Path) -> None:
    checks = [Check("hangs", hangs, 0.05), Check("breaks", breaks), Check("works", works)]
    found = await examine(settings_of(tmp_path), checks)
    assert [(finding.subject, finding.level) for finding in found] == [
        ("first", "ok"),
        ("hangs", "failure"),
        ("breaks", "failure"),
        ("last", "ok"),
    ]
    assert "secret" not in str(found)


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `vitrine doctor --json`; returns the exit code and the report."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("VITRINE_")]:
        monkeypatch.delenv(name)

    def run(**environ: str) -> tuple[int, dict[str, Any]]:
        variables = {"VITRINE_DATA_DIR": str(tmp_path / "data"), "VITRINE_QUERY_PORT": "0", **environ}
        done = CliRunner().invoke(main, ["doctor", "--json"], env=variables)
        return done.exit_code, json.loads(done.stdout)

    return run


def test_with_nothing_running_it_says_what_is_missing_and_makes_nothing(doctor: Any, tmp_path: Path) -> None:
    code, report = doctor()
    assert code == 0 and report["healthy"] is True
    warned = {finding["subject"]: finding["advice"] for finding in report["findings"] if finding["level"] == "warning"}
    assert {"kafka", "redis", "milvus"} <= set(warned)
    assert all("vitrine up" in warned[server] for server in ("kafka", "redis", "milvus"))
    assert not (tmp_path / "data").exists()
    assert logging.root.manager.disable == logging.NOTSET


def test_servers_that_are_not_there_and_a_port_that_is_taken_are_failures(doctor: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, report = doctor(
            VITRINE_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
            VITRINE_REDIS_URL="redis://user:hidden@127.0.0.1:1/0",
            VITRINE_MILVUS_URI="http://127.0.0.1:1",
            VITRINE_MEDIA_STORE_URL="s3://shop",
            VITRINE_MEDIA_STORE_ENDPOINT="http://127.0.0.1:1",
            VITRINE_MEDIA_STORE_ACCESS_KEY_ID="shop",
            VITRINE_MEDIA_STORE_SECRET_ACCESS_KEY="hidden",
            VITRINE_QUERY_PORT=port,
        )
    failed = {finding["subject"]: finding for finding in report["findings"] if finding["level"] == "failure"}
    assert code == 1 and report["healthy"] is False
    assert {"kafka", "redis", "milvus", "media", "ports"} <= set(failed)
    assert f"query.port = {port}" in failed["ports"]["message"] and all(
        finding["advice"] for finding in failed.values()
    )
    assert "hidden" not in str(report)


def test_it_is_also_told_to_people(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["doctor"], env={"VITRINE_DATA_DIR": str(tmp_path / "data")})
    assert "no Kafka runs on" in done.output and "→" in done.output and "in order" in done.output
