"""The script for a real GPU: on one it meets its goal, without one it says so, and a CPU can try it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.bench.report import Target, publish_report
from tests.paths import ROOT

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU")
GOAL = 0.90


def _run(out: Path, *options: str) -> tuple[int, str, dict[str, Any]]:
    command = [sys.executable, "-m", "tests.bench.gpu", "--out", str(out), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    written = out / "gpu.json"
    return done.returncode, done.stdout + done.stderr, json.loads(written.read_text()) if written.exists() else {}


@needs_gpu
def test_decoding_and_rows_hardly_slow_the_encoder_down(tmp_path: Path) -> None:
    _, _, found = _run(tmp_path)
    models = {name: parts for name, parts in found["models"].items() if "products_per_s" in parts.get("feeding", {})}
    rows = [(name, one["alone"]["products_per_s"], one["feeding"]["products_per_s"]) for name, one in models.items()]
    targets = [Target(f"{name}, of the encoder alone", fed / alone, GOAL) for name, alone, fed in rows]
    publish_report("gpu-feeding", ["model", "encoder alone", "decode, encode, rows"], rows, targets, **found["facts"])


@needs_gpu
def test_half_precision_stays_within_the_tolerance(tmp_path: Path) -> None:
    _, _, found = _run(tmp_path, "--only", "parity", "--models", "mini")
    assert min(found["models"]["mini"]["parity"][kind] for kind in ("float32", "bfloat16")) >= 0.999


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_in_a_sentence(tmp_path: Path) -> None:
    status, said, found = _run(tmp_path)
    assert (status, found) == (2, {})
    assert said.startswith("There is no NVIDIA GPU") and "Traceback" not in said


def test_a_cpu_can_try_it(tmp_path: Path) -> None:
    status, said, found = _run(tmp_path, "--cpu", "--models", "mini")
    assert status == 0, said
    assert set(found["models"]["mini"]) == {"alone", "feeding", "parity", "decoding", "contexts"}
    assert not any("error" in part for part in found["models"]["mini"].values())
