"""What is fetched before the lock file counts is pinned: uv by its wheels' hashes, the image's base by a digest."""

from __future__ import annotations

import re
import subprocess

import pytest

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


def test_the_scripts_parse() -> None:
    assert subprocess.run(["sh", "-n", ROOT / "deploy/setup.sh"], check=False).returncode == 0


def test_the_image_has_one_base_that_can_be_a_digest_and_runs_as_nobody_special() -> None:
    text = (ROOT / "deploy/docker/Dockerfile").read_text()
    assert re.findall(r"(?m)^FROM (\S+)", text) == ["${PYTHON_IMAGE}"] * 2
    assert "PYTHON_IMAGE=python:3.11-slim@sha256:" in text
    assert "USER 10001:10001" in text and "useradd --system --uid 10001" in text
