"""Where a worker's event loop spends its time: `python -m tests.bench.profile [--loads products prices clicks]`.

A whole worker runs over real servers, with the encoder `hash` unless another is named, and works a backlog off
under cProfile, which slows Python code down: shares count, not sums. CPU seconds of all processes are told beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from tests.bench.catalogue import Catalogue, Outgoing, clicked
from tests.bench.report import table
from tests.bench.shop import GROUP, WORKER, Shop, open_shop

LOADS: dict[str, tuple[str, Callable[[Catalogue, int], Outgoing]]] = {
    "products": (PRODUCT_EVENTS, lambda catalogue, number: catalogue.whole(number, 1)),
    "prices": (PRODUCT_EVENTS, lambda catalogue, number: catalogue.repriced(number, 2)),
    "clicks": (USER_EVENTS, lambda _, number: clicked(number)),
}
OURS = ("streams/", "indexer/", "encoders/", "processes/", "workers/", "wiring/")
TOP = 45
WARM_UP = 500
DEADLINE_S = 300.0


def main() -> None:
    """Profile the loads that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS))
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--encoder", default="hash")
    parser.add_argument("--bare", action="store_true", help="without cProfile: CPU seconds only")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, open_shop(Path(directory), Catalogue(), given.encoder) as shop:
        for name in given.loads:
            _profile(shop, name, given.events, given.bare)


def run_profiled(output: str) -> None:
    """The worker process: as `vitrine worker indexing`, its event loop's thread profiled from the first SIGUSR1 on."""
    import uvloop

    from vitrine.logs import configure_logging
    from vitrine.settings import load_settings
    from vitrine.stack.servers import with_server_addresses
    from vitrine.wiring.indexing_worker import run_indexing_worker

    configure_logging("WARNING")
    profiler = cProfile.Profile()
    signal.signal(signal.SIGUSR1, lambda *_: profiler.enable())
    uvloop.run(run_indexing_worker(with_server_addresses(load_settings(os.environ))))
    profiler.disable()
    profiler.dump_stats(output)


def _profile(shop: Shop, name: str, events: int, bare: bool) -> None:
    topic, make = LOADS[name]
    output = shop.data_dir / f"{name}.pstats"
    code = f"from tests.bench.profile import run_profiled; run_profiled({str(output)!r})"
    command = WORKER if bare else [sys.executable, "-c", code]
    with shop.worker(command=command) as worker:
        _work_off(shop, topic, [make(shop.catalogue, number) for number in range(WARM_UP)])
        if not bare:
            worker.process.send_signal(signal.SIGUSR1)
        print(f"{name}: process {worker.process.pid} is warm", flush=True)
        before = worker.cpu_seconds() | shop.server_seconds()
        began = time.monotonic()
        _work_off(shop, topic, [make(shop.catalogue, number) for number in range(WARM_UP, WARM_UP + events)])
        took_s = time.monotonic() - began
        spent = {role: after - before[role] for role, after in (worker.cpu_seconds() | shop.server_seconds()).items()}
    print(f"\n{name}: {events} events in {took_s:.1f} s, publishing included; CPU µs an event")
    print(table(["process", "µs"], [(role, seconds / events * 1e6) for role, seconds in spent.items()]))
    if not bare:
        _print_shares(pstats.Stats(str(output)), events)


def _work_off(shop: Shop, topic: str, messages: Sequence[Outgoing]) -> None:
    asyncio.run(shop.broker.publish(messages))
    asyncio.run(shop.broker.until_committed(GROUP, topic, DEADLINE_S))


def _print_shares(stats: pstats.Stats, events: int) -> None:
    rows: list[tuple[str, str, float, float, float]] = []
    for (file, line, function), (_, calls, own_s, cumulative_s, _) in stats.stats.items():  # type: ignore[attr-defined]
        where = f"{'/'.join(Path(file).parts[-2:])}:{line}" if line else ""
        rows.append((function[:48], where, calls / events, own_s / events * 1e6, cumulative_s / events * 1e6))
    columns = ["function", "where", "calls", "own µs", "cumulative µs"]
    ours = [row for row in rows if row[1].startswith(OURS)]
    print("\nby own time", table(columns, sorted(rows, key=lambda one: -one[3])[:TOP]), sep="\n")
    print("\nours, cumulative", table(columns, sorted(ours, key=lambda one: -one[4])[:TOP]), sep="\n")


if __name__ == "__main__":
    main()
