"""This machine, with what is wrong made so."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vitrine.doctor import machine
from vitrine.doctor.findings import GIB, Finding
from vitrine.settings import Settings, load_settings


def settings_of(tmp_path: Path, **environ: str) -> Settings:
    return load_settings({"VITRINE_DATA_DIR": str(tmp_path / "data"), **environ})


def levels(findings: Any) -> list[str]:
    return [finding.level for finding in findings]


def test_a_data_directory_that_others_may_read(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    settings.data_dir.mkdir(mode=0o755)
    (found,) = machine.check_data_directory(settings)
    assert found.level == "warning" and "chmod 0700" in found.advice
    settings.data_dir.chmod(0o700)
    assert levels(machine.check_data_directory(settings)) == ["ok"]


def test_a_data_directory_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path)
    settings.data_dir.mkdir(mode=0o700)
    monkeypatch.setattr(machine.os, "geteuid", lambda: 4_242)
    (found,) = machine.check_data_directory(settings)
    assert found.level == "failure" and "belongs to user" in found.message


def test_a_data_directory_of_somebody_else_is_fine_beside_servers_elsewhere(tmp_path: Path, monkeypatch: Any) -> None:
    servers = {
        "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
        "MILVUS_URI": "http://milvus:19530",
        "REDIS_URL": "redis://redis",
    }
    settings = settings_of(tmp_path, **{f"VITRINE_{name}": value for name, value in servers.items()})
    settings.data_dir.mkdir(mode=0o775)
    monkeypatch.setattr(machine.os, "geteuid", lambda: 4_242)
    assert levels(machine.check_data_directory(settings)) == ["ok"]


@pytest.mark.parametrize(("free", "level"), [(0.5, "failure"), (3, "warning"), (50, "ok")])
def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, level: str) -> None:
    usage = SimpleNamespace(total=100 * GIB, free=free * GIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert levels(machine.check_disk(settings_of(tmp_path))) == [level]


def test_the_limit_of_a_container_counts(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(f"{512 * 2**20}\n")
    (found,) = machine.check_memory(settings_of(tmp_path), limit)
    assert found.level == "failure" and "container" in found.message


def test_few_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1_024))
    assert levels(machine.check_files(settings_of(tmp_path))) == ["warning"]


def test_a_gpu_that_is_asked_for_and_not_there(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, VITRINE_ENCODER_DEVICE="cuda")
    found = list(machine.check_packages(settings, tmp_path / "nvidiactl"))
    assert [finding.level for finding in found if finding.subject == "device"] == ["failure"]


def test_a_gpu_that_nothing_can_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "nvidiactl"
    device.touch()
    find_spec = machine.importlib.util.find_spec
    monkeypatch.setattr(machine.importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name))
    found: list[Finding] = list(machine.check_packages(settings_of(tmp_path), device))
    assert [finding.level for finding in found if finding.subject == "device"] == ["warning"]


def test_embedded_servers_whose_packages_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = [finding for finding in machine.check_packages(settings_of(tmp_path)) if finding.subject == "packages"]
    assert len(found) == 3 and all("vitrine[local]" in finding.advice for finding in found)
    own = settings_of(tmp_path, VITRINE_KAFKA_BOOTSTRAP_SERVERS="k:9092", VITRINE_REDIS_URL="redis://r")
    assert len([finding for finding in machine.check_packages(own) if finding.subject == "packages"]) == 1
