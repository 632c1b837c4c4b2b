"""The stack of containers: its form is that of Compose, its settings are the program's, what it mounts is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.paths import ROOT
from vitrine.settings import load_settings

FILE = ROOT / "deploy" / "compose.yaml"
SCHEMA = Path(__file__).parent / "schemas" / "compose.json"


def services() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(FILE.read_text())["services"]


def test_it_is_valid_against_the_schema() -> None:
    jsonschema.validate(yaml.safe_load(FILE.read_text()), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("worker", ["indexing", "query"])
def test_a_worker_takes_its_settings_and_can_write_nothing_but_its_data(worker: str) -> None:
    service = services()[worker]
    settings = load_settings(service["environment"])
    assert settings.kafka.bootstrap_servers == "kafka:9092" and settings.redis.url and settings.milvus.uri
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert f" AS {service['build']['target']}\n" in (ROOT / "deploy/docker/Dockerfile").read_text()
    assert int(service["stop_grace_period"].removesuffix("s")) >= 2 * settings.indexing.drain_s + 5


def test_only_this_machine_is_answered_and_every_image_has_a_version() -> None:
    for name, service in services().items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert service["image"].partition(":")[2] not in ("", "latest"), name


def test_what_it_mounts_and_scrapes_is_there() -> None:
    stack = yaml.safe_load(FILE.read_text())
    for name, service in stack["services"].items():
        for source in (volume.partition(":")[0] for volume in service.get("volumes", [])):
            assert (FILE.parent / source).exists() if source.startswith(".") else source in stack["volumes"], (
                name,
                source,
            )
    scraped = yaml.safe_load((ROOT / "deploy/compose/prometheus.yaml").read_text())["scrape_configs"]
    assert {one["dns_sd_configs"][0]["names"][0] for one in scraped} <= stack["services"].keys()
