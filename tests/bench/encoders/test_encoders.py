"""`make bench-encoders`: products/s, ms/query and memory beside the bare model and other libraries, in turns."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders.inference.runtime import MIN_PARITY_COSINE, make_openmp_threads_sleep, usable_cores
from encoders.loading import MINI_DIRECTORY
from tests.bench.encoders.checkpoint import build_clip
from tests.bench.report import BUILD, RUNS, Target, publish_report

BATCHES = [int(size) for size in os.environ.get("BENCH_BATCHES", "16,32,64").split(",")]
THREADS = int(os.environ.get("BENCH_THREADS", "0")) or usable_cores()
PRODUCTS = int(os.environ.get("BENCH_ENCODER_PRODUCTS", "256"))
QUERIES, ALIKE = 40, 8
HERE = Path(__file__).parent
SCRIPT = HERE / "contender.py"
PACKAGES = {
    "sentence-transformers": ["sentence-transformers[image]"],
    # It takes no pictures without the last, which it does not ask for.
    "infinity_emb": ["infinity-emb[torch,vision]", "aiohttp"],
}
OTHERS_TOLERANCE = 0.98
"""Other libraries resize pictures by other filters."""


@dataclass
class Contender:
    """A process that encodes when it is asked to."""

    name: str
    process: subprocess.Popen[str]

    def ask(self, **request: Any) -> dict[str, Any]:
        """Its answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with {self.process.wait()}")
        return json.loads(line)


@contextmanager
def started(kind: str, python: Path, checkpoint: Path, log: Path) -> Iterator[Contender]:
    """A contender, with the same threads and the same calm of them as all others."""
    make_openmp_threads_sleep()
    environment = {**os.environ, "OMP_NUM_THREADS": str(THREADS), "PYTHONPATH": str(HERE.parents[2])}
    if python != Path(sys.executable):
        environment.pop("PYTHONPATH")
    command = [str(python), str(SCRIPT), kind, str(checkpoint), str(THREADS)]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True
        )
        try:
            yield Contender(kind, process)
        finally:
            process.kill()
            process.wait()


def python_of(kind: str) -> Path | None:
    """The interpreter that has a contender's package, in an environment of its own; None where it does not install."""
    if kind not in PACKAGES:
        return Path(sys.executable)
    home = BUILD / "bench" / f"{kind}-venv"
    python = home / "bin" / "python"
    if not (home / "installed").is_file():
        uv = shutil.which("uv") or str(BUILD.parent / ".uv" / "bin" / "uv")
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([uv, "venv", "--clear", "--python", sys.executable, str(home)], check=True)
            subprocess.run([uv, "pip", "install", "--python", str(python), *PACKAGES[kind]], check=True)
            (home / "installed").touch()
    return python if (home / "installed").is_file() else None


def in_older_form(checkpoint: Path) -> Path:
    """The same checkpoint as transformers 4 takes it: the pictures' processing in a file of its own, and only there."""
    copy = checkpoint.with_name(checkpoint.name + "-4")
    shutil.copytree(checkpoint, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("processor_config.json"))
    return copy


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("clip-7m", ["bare", "ours", "ours-torch", "bare-whole", "ours-whole", *PACKAGES]),
        ("mini", ["bare", "ours", "ours-torch", "bare-whole", "ours-whole"]),
    ],
)
def test_encoders(name: str, kinds: Sequence[str], tmp_path: Path) -> None:
    checkpoint = MINI_DIRECTORY if name == "mini" else build_clip(BUILD / "bench" / name)
    with ExitStack() as running:
        contenders: list[Contender] = []
        for kind in kinds:
            python = python_of(kind)
            if python is None:
                print(f"{kind} does not install here, and is left out")
                continue
            files = in_older_form(checkpoint) if kind == "infinity_emb" else checkpoint
            contenders.append(running.enter_context(started(kind, python, files, tmp_path / f"{kind}.log")))
        cosines = _cosines(contenders)
        figures = _measured(contenders)
    _report(name, figures, cosines)
    assert min(value for kind, value in cosines.items() if kind.startswith("ours")) >= MIN_PARITY_COSINE
    assert min(cosines.values()) >= OTHERS_TOLERANCE


def _cosines(contenders: Sequence[Contender]) -> dict[str, float]:
    """The least cosine of each contender's embeddings to those of the bare model: that all do the same work."""
    rows = {contender.name: np.array(contender.ask(do="rows", count=ALIKE)["rows"]) for contender in contenders}
    return {name: float(np.min(np.sum(own * rows["bare"], axis=1))) for name, own in rows.items()}


def _measured(contenders: Sequence[Contender]) -> dict[str, dict[str, float]]:
    """Each contender at its best batch size, query times and memory; all take turns in each round."""
    speeds: dict[tuple[str, int], list[float]] = {}
    queries: dict[str, list[float]] = {}
    memory: dict[str, float] = {}
    for round_ in range(RUNS + 1):
        for contender in contenders:
            for batch in BATCHES:
                told = contender.ask(do="products", count=PRODUCTS, batch=batch)
                memory[contender.name] = told["rss_mb"]
                if round_:
                    speeds.setdefault((contender.name, batch), []).append(told["per_s"])
            if round_:
                queries.setdefault(contender.name, []).append(contender.ask(do="query", count=QUERIES)["ms"])
    figures: dict[str, dict[str, float]] = {}
    for contender in contenders:
        medians = {batch: statistics.median(speeds[contender.name, batch]) for batch in BATCHES}
        best = max(medians, key=medians.__getitem__)
        figures[contender.name] = {
            "products_per_s": medians[best],
            "batch": best,
            "ms_per_query": statistics.median(queries[contender.name]),
            "rss_mb": memory[contender.name],
        }
    return figures


def _report(name: str, figures: Mapping[str, Mapping[str, float]], cosines: Mapping[str, float]) -> None:
    speed = {kind: figure["products_per_s"] for kind, figure in figures.items()}
    others = [kind for kind in PACKAGES if kind in speed]
    targets = [
        Target("prepared pictures, against the bare model", speed["ours"] / speed["bare"], 0.95),
        Target("decoded pictures, against model and processor", speed["ours-whole"] / speed["bare-whole"], 0.95),
        *(Target(f"decoded pictures, against {other}", speed["ours-whole"] / speed[other], 1.0) for other in others),
    ]
    columns = ["contender", "products/s", "batch", "ms/query", "memory, MB", "least cosine to bare"]
    rows = [
        [
            kind,
            figure["products_per_s"],
            int(figure["batch"]),
            figure["ms_per_query"],
            figure["rss_mb"],
            f"{cosines[kind]:.5f}",
        ]
        for kind, figure in figures.items()
    ]
    publish_report(f"encoders-{name}", columns, rows, targets, products=PRODUCTS, threads=THREADS)
