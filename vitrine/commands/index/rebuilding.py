"""Rebuilds from the command line: progress with an estimate, and the standby worker that a rebuild needs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from deploy.local.errors import LocalStackError
from deploy.local.stack import LocalStack
from encoders.errors import EncoderError
from indexer.errors import IndexerError
from query_api.generations.quality_gate import GateLimits, Judgments
from vitrine.commands.stack.up import run_interruptibly
from vitrine.errors import VitrineError
from vitrine.generations.rebuild import RebuildRequest, rebuild
from vitrine.generations.switch import cancel_rebuild, drop_held, roll_back
from vitrine.settings import Settings, absolute_encoder_name
from vitrine.stack.servers import with_server_addresses
from vitrine.stack.services import standby_service

T = TypeVar("T")
LINE_EVERY_S = 2.0
NICENESS = 10


def run_rebuild(
    settings: Settings,
    encoder: str | None,
    hold_s: float,
    overlap: float,
    queries: Path | None,
    judgments: Path | None,
    no_switch: bool,
    force: bool,
    share: float,
) -> None:
    """Rebuild the index, telling how it comes on. Raises `VitrineError`."""
    wanted = RebuildRequest(
        encoder and absolute_encoder_name(encoder),
        hold_s,
        GateLimits(overlap=overlap),
        force,
        not no_switch,
        _gate_judgments(queries, judgments),
        share,
    )
    made = _run(rebuild(with_server_addresses(settings), wanted, _TerminalProgress(settings, share)))
    if not no_switch:
        click.echo(
            f"for {hold_s:.0f} s `vitrine rollback` switches back. The index is of the encoder {made.encoder_name} "
            "now: where the configuration names another (encoder.name), change it or leave it out"
        )


def run_rollback(settings: Settings, hold_s: float, wait: bool) -> None:
    """Switch back to the held generation. Raises `VitrineError`."""
    _run(roll_back(with_server_addresses(settings), hold_s, _TerminalProgress(settings), wait))


async def drop_generation_in_stage(settings: Settings, which: str) -> str | None:
    """Have a generation dropped that is `held` or `unfinished`; its name, None when there is none."""
    return await (drop_held if which == "held" else cancel_rebuild)(with_server_addresses(settings))


class CopyProgressText:
    """How far a copy has come, how fast it goes, and why it goes no faster."""

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: share: of the time, in (0, 1], that copying works; clock: seconds."""
        self._share = share
        self._clock = clock
        self._first: tuple[int, float] | None = None
        self._last_s = float("-inf")

    def line(self, done: int, total: int) -> str | None:
        """What to print when `done` of `total` products are copied; None when the last line is not old enough."""
        now = self._clock()
        first, first_s = self._first = self._first or (done, now)
        if now - self._last_s < LINE_EVERY_S and done < total:
            return None
        self._last_s = now
        rate = (done - first) / max(1e-9, now - first_s)
        return f"copied {done:,} of {total:,} products{self._left(total - done, rate)}"

    def _left(self, products: int, rate: float) -> str:
        if not products or not rate:
            return ""
        left = f", {products / rate:.0f} s left at {rate:.0f}/s"
        if self._share == 1:
            return left
        return f"{left}: works {self._share:.0%} of the time so that searches stay fast; --share 1 works all of it"


class _TerminalProgress:
    """Prints progress: a line every few seconds, so that it reads as well in a log."""

    def __init__(self, settings: Settings, share: float = 1.0) -> None:
        self._settings = settings
        self._copying = CopyProgressText(share)
        self._printed_s = 0.0

    def say(self, text: str) -> None:
        click.echo(text)

    def copied(self, done: int, total: int) -> None:
        if line := self._copying.line(done, total):
            click.echo(line)

    def behind(self, events: int) -> None:
        now = time.monotonic()
        if now - self._printed_s >= LINE_EVERY_S:
            self._printed_s = now
            click.echo(f"following: {events:,} events behind")

    async def standby_needed(self) -> None:
        """Start a standby worker where workers run on the data dir; elsewhere somebody else runs them."""
        stack = LocalStack(self._settings.data_dir)
        if not stack.state().with_prefix("indexing"):
            click.echo("waiting for a standby worker: `vitrine worker standby`, the deployment vitrine-standby")
            return
        await stack.start([standby_service(self._settings, stack)], click.echo)


def _gate_judgments(queries: Path | None, judgments: Path | None) -> Judgments:
    if (queries is None) != (judgments is None):
        raise VitrineError("--queries and --judgments belong together")
    if queries is None or judgments is None:
        return {}
    from vitrine.evaluation.judged_files import read_judgments

    return read_judgments(queries, judgments)


def _run(work: Coroutine[Any, Any, T]) -> T:
    # Shoppers and live events go first.
    os.nice(NICENESS)
    try:
        return run_interruptibly(work)
    except (EncoderError, IndexerError, LocalStackError) as error:
        raise VitrineError(str(error)) from error
