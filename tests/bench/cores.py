"""Which process runs on which core: the encoder on one, the servers and everything else on the other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import torch

ENCODER_MODULE, DECODER_MODULE = "encoders.workers.encoder", "encoders.workers.images"
ACCELERATED = torch.cuda.is_available()
"""Encoders run on a GPU: then nothing is confined to a core, and the bare loop encodes alone."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Two cores of those that this process may use, or the same one twice where there is but one."""

    encoder: int
    other: int

    @classmethod
    def choose(cls) -> Cores:
        """The last two; the first one is where systems handle most interrupts."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[-1], allowed[-2] if len(allowed) > 1 else allowed[-1])


@contextmanager
def confined_to(core: int, pids: Iterable[int] = ()) -> Iterator[None]:
    """Keep this process, what it starts meanwhile, and some others on one core."""
    before = os.sched_getaffinity(0)
    processes = [psutil.Process(pid) for pid in (os.getpid(), *pids)]
    try:
        for process in processes:
            move(process, {core})
        yield
    finally:
        for process in processes:
            move(process, before)


def move(process: psutil.Process, cores: Collection[int]) -> None:
    """Move all threads of a process, and those that they start later; none beside an accelerator."""
    for thread in () if ACCELERATED else process.threads():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(thread.id, cores)


def move_tree(process: psutil.Process, core: int) -> None:
    """Move a process and all its children."""
    for one in [process, *process.children(recursive=True)]:
        move(one, {core})


def encoder_of(worker: psutil.Process) -> psutil.Process | None:
    """The child of a worker that runs its encoder."""
    return next((child for child in worker.children() if ENCODER_MODULE in child.cmdline()), None)


def decoders_of(worker: psutil.Process) -> list[psutil.Process]:
    """The children of a worker that decode pictures."""
    return [child for child in worker.children() if DECODER_MODULE in child.cmdline()]


def cpu_seconds(worker: psutil.Process) -> dict[str, float]:
    """CPU time so far of a worker's event loop, of its other threads, and of its children by what they run."""
    times = {thread.id: thread.user_time + thread.system_time for thread in worker.threads()}
    loop_s = times.pop(worker.pid)
    whole_s = sum(worker.cpu_times()[:2])
    spent = {"event loop": loop_s, "other threads": whole_s - loop_s}
    for child in worker.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            name = role(child)
            spent[name] = spent.get(name, 0.0) + sum(child.cpu_times()[:2])
    return spent


def role(child: psutil.Process) -> str:
    """What a child of a worker does."""
    module = next((word for word in child.cmdline() if word.startswith("encoders.workers.")), None)
    return f"{module.rpartition('.')[2]} process" if module else child.name()
