"""What a real GPU does, without Kafka, Redis or Milvus: `python -m tests.bench.gpu --out DIR`.

Needs torch, torchvision, transformers, and msgspec, which is one wheel. Some ten minutes; `--only` picks parts, and
what was measured is written as it comes. `--cpu` tries all of it on a CPU, with small models and for a second each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PARTS = ("alone", "feeding", "parity", "decoding", "contexts")
NO_GPU = "There is no NVIDIA GPU that torch can use here: --cpu tries the script on the CPU, which measures nothing."


def main() -> int:
    """Measure, and write `gpu.json`."""
    options = _parser().parse_args()
    import torch

    if not options.cpu and not torch.cuda.is_available():
        print(NO_GPU)
        return 2
    report = _Report(options.out / "gpu.json", _facts(options.cpu))
    for name, part, measure in _measurements(options):
        if part in options.only and (not options.models or name in options.models):
            report.add(name, part, measure)
    report.print_goals()
    return 1 if report.failed else 0


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__)
    found.add_argument("--out", type=Path, default=Path("build/reports"))
    found.add_argument("--cpu", action="store_true", help="try it without a GPU")
    found.add_argument("--seconds", type=float, default=8.0, help="that each thing is measured for")
    found.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    found.add_argument("--models", nargs="+", help="of mini, standard, vit-b-32, vit-b-32-compiled")
    return found


def _measurements(options: argparse.Namespace) -> Iterator[tuple[str, str, Callable[[], dict[str, Any]]]]:
    """What there is to measure, the most telling first: names of a model and of a part, and what measures it."""
    from tests.bench.gpu import encoding, feeding

    device, seconds = ("cpu", min(1.0, options.seconds)) if options.cpu else ("cuda", options.seconds)
    cores = len(os.sched_getaffinity(0))
    size = feeding.Size(device, max(1, cores // 4), max(1, cores // 6), seconds)
    models = [*_models(options)]
    parts: dict[str, Callable[[encoding.Model], dict[str, Any]]] = {
        "alone": lambda model: encoding.alone(model, device, seconds),
        "feeding": lambda model: asyncio.run(feeding.by_service(model, size)),
        "parity": lambda model: encoding.parity(model, device),
        "decoding": lambda model: encoding.decoding(model, device, seconds),
        "contexts": lambda model: asyncio.run(feeding.by_own_contexts(model, size)),
    }
    for part in PARTS:
        for model in models:
            # Of a compiled model nothing else differs, and each process would compile it.
            if not model.compile or part in ("alone", "feeding"):
                yield model.name, part, lambda part=part, model=model: parts[part](model)


def _models(options: argparse.Namespace) -> Iterator[Any]:
    from tests.bench.encoders.checkpoint import SMALL, VIT_B_32, build_clip
    from tests.bench.gpu.encoding import Model
    from tests.bench.report import BUILD

    name, shape = ("small-clip", SMALL) if options.cpu else ("vit-b-32", VIT_B_32)
    checkpoint = str(build_clip(BUILD / "bench" / name, shape))
    precision = "float32" if options.cpu else "bfloat16"
    yield Model(name, checkpoint, precision)
    yield Model("mini", "mini", precision)
    if not options.cpu:
        yield Model(f"{name}-compiled", checkpoint, compile=True)
        yield Model("standard", "standard")


class _Report:
    """What was measured, written after each part."""

    def __init__(self, file: Path, facts: dict[str, Any]) -> None:
        self._file = file
        self._found: dict[str, Any] = {"facts": facts, "models": {}}
        self.failed = False
        print(json.dumps(facts))

    def add(self, model: str, part: str, measure: Callable[[], dict[str, Any]]) -> None:
        """Measure one part; one that fails is told, and hinders no other."""
        began = time.monotonic()
        found: dict[str, Any]
        try:
            found = measure()
        except Exception as error:
            # A model that is not there is no failure.
            self.failed |= type(error).__name__ != "ModelUnavailable"
            found = {"error": f"{type(error).__name__}: {error}"}
            if self.failed:
                traceback.print_exc()
        found["took_s"] = round(time.monotonic() - began, 1)
        self._found["models"].setdefault(model, {})[part] = found
        print(model, part, json.dumps(found), flush=True)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._found, indent=2))

    def print_goals(self) -> None:
        """How decode → encode → rows compares with the encoder alone."""
        for model, parts in self._found["models"].items():
            fed, alone = (parts.get(part, {}).get("products_per_s") for part in ("feeding", "alone"))
            if fed and alone:
                print(f"{model}: decode, encode, rows / encoder alone = {fed / alone:.2f} (goal 0.90)")


def _facts(cpu: bool) -> dict[str, Any]:
    import torch
    import torchvision
    import transformers

    gpu = None if cpu else torch.cuda.get_device_properties(0)
    return {
        "device": gpu.name if gpu else "cpu",
        "memory_gib": round(gpu.total_memory / 2**30, 1) if gpu else None,
        "cores": len(os.sched_getaffinity(0)),
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "transformers": transformers.__version__,
    }


if __name__ == "__main__":
    sys.exit(main())
