"""What `vitrine up` starts imports nothing from the directory that it runs in."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local.processes import spawn
from indexer.milvus.registry import Generations
from tests.paths import ROOT
from vitrine.generations.binding import restart_process
from vitrine.stack.services import WorkerService

HOSTILE = "from pathlib import Path; Path('imported').touch()"
MODULES = ("json", "click", "redis", "vitrine", "sitecustomize")


@pytest.fixture
def hostile_directory(tmp_path: Path) -> Path:
    """A working directory with modules that leave a trace when they are imported."""
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    return tmp_path


def test_a_worker_imports_nothing_from_its_working_directory(hostile_directory):
    environment = {"PYTHONPATH": str(ROOT)}
    service = WorkerService("indexing-0", ["indexing", "--help"], "", hostile_directory, environment)
    log = hostile_directory / "logs" / "log"
    record = spawn("indexing-0", service.argv, service.env, service.cwd, log, "")
    psutil.Process(record.pid).wait(60)
    assert "Consume events" in log.read_text()
    assert not (hostile_directory / "imported").exists()


def test_no_python_that_the_stack_starts_imports_from_its_working_directory(hostile_directory):
    log = hostile_directory / "logs" / "log"
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import json'])"
    record = spawn("any", [sys.executable, "-c", nested], os.environ, hostile_directory, log, "")
    psutil.Process(record.pid).wait(60)
    assert not (hostile_directory / "imported").exists() and log.read_text() == ""


def test_a_worker_that_begins_anew_does_not_either(monkeypatch):
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _, argv, __: started.append(argv))
    restart_process(Generations(None))
    assert started[0][1:4] == ["-P", "-m", "vitrine"]


def test_the_command_does_not_either(hostile_directory):
    program = Path(sys.executable).with_name("vitrine")
    if not program.exists():
        pytest.skip("the command `vitrine` is not installed")
    shown = subprocess.run(
        [program, "status", "--help"], cwd=hostile_directory, capture_output=True, text=True, timeout=60
    )
    assert "Health" in shown.stdout and not (hostile_directory / "imported").exists()
