"""Other search engines on the same vectors, each in a process of its own, some in an environment of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from deploy.local.processes import free_port
from encoders.loading import load_encoder
from encoders.spec import FloatArray, PartWeights, fused_query_vector
from tests.bench.query.listings import Listings
from tests.bench.query.services import wait_until_open
from tests.bench.report import BUILD
from tests.bench.shop import stop
from tests.paths import ROOT

SERVICE = Path(__file__).with_name("engine_service.py")
PACKAGES = ("chromadb>=1,<2", "lancedb>=0.20,<1", "uvicorn", "httptools", "uvloop", "numpy", "pyarrow")
K = 10
WEIGHTS = PartWeights(0.3, 0.1)
"""Of a text query on products' texts and pictures: the worker's own."""


@dataclass(frozen=True)
class Questions:
    """Queries, and the products that are nearest to each."""

    texts: Sequence[str]
    vectors: FloatArray
    nearest: Sequence[set[str]]

    @classmethod
    def of(cls, listings: Listings, encoder: str, count: int) -> Questions:
        """So many queries with their exact answers."""
        texts = listings.queries(count, seed=5)
        encoded = load_encoder(encoder).encode_texts(texts)
        vectors = np.stack([fused_query_vector(listings.spec, one, one, WEIGHTS) for one in encoded])
        best = np.argsort(-(vectors @ listings.vectors.T), axis=1)[:, :K]
        names = [field["product_id"] for field in listings.fields]
        return cls(texts, vectors, [{names[at] for at in row} for row in best])

    def recall(self, found: Sequence[set[str]]) -> float:
        """The mean share of the nearest that was found."""
        shares = [len(some & nearest) / K for some, nearest in zip(found, self.nearest, strict=True)]
        return float(np.mean(shares))


def write_inputs(directory: Path, listings: Listings, questions: Questions) -> None:
    """The files that `engine_service` reads."""
    shown = ("product_id", "title", "price", "currency", "brand", "category")
    np.save(directory / "vectors.npy", listings.vectors)
    np.save(directory / "queries.npy", questions.vectors)
    cards = [{name: field[name] for name in shown} for field in listings.fields]
    (directory / "cards.json").write_text(json.dumps(cards))
    (directory / "texts.json").write_text(json.dumps(questions.texts))


def python_of_others() -> Path | None:
    """An interpreter that has the other engines, made once under `build/`; None where they do not install."""
    home = BUILD / "bench" / "engines-venv"
    if not (home / "installed").is_file():
        uv = shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
            python = str(home / "bin" / "python")
            subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *PACKAGES], check=True)
            (home / "installed").touch()
    return home / "bin" / "python" if (home / "installed").is_file() else None


@contextmanager
def engine(python: Path, name: str, directory: Path, *options: str) -> Iterator[str]:
    """An engine's service, everything indexed; yields its URL."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ANONYMIZED_TELEMETRY": "false"}
    process = subprocess.Popen([str(python), str(SERVICE), name, str(directory), str(port), *options], env=environment)
    try:
        wait_until_open(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def found_by(url: str, paths: Sequence[str], headers: dict[str, str]) -> list[set[str]]:
    """The products that a service answers each path with."""
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
        answers = [http.get(path, headers=headers).raise_for_status().json() for path in paths]
    return [{hit["product_id"] for hit in answer["hits"]} for answer in answers]
