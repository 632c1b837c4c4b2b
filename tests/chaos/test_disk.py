"""A full disk under the data directory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.load import Load, Stream
from tests.chaos.shop import Scenario, Shop, open_shop

DISK_BYTES = 700 * 2**20
RATE = 100.0
"""Events a second."""
STALL_S = 5.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own; skipped where mounting one is not permitted."""
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", mount], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield mount
    subprocess.run(["umount", "--lazy", mount], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


def says_why(shop: Shop, disk: Path) -> bool:
    """Whether a log or the command line names the full disk."""
    logs = [path for path in disk.rglob("*.log") if path.parent.name in ("logs", "tmp")]
    told = shop.stack.cli("up", "--detach", "--port", "0", "--workers", "1", check=False)
    return any("No space left" in log.read_text(errors="replace") for log in logs) or "make room" in told.stderr


def test_a_full_disk_is_named_and_all_goes_on_when_there_is_room(small_disk):
    with open_shop(small_disk, workers=1) as shop:
        shop.wait_until_indexed(1)
        run = Scenario(shop, "full disk under the data dir", "disk")
        messages = Stream(run.prefix, seed=40).messages(2_000)
        with Load(shop.servers.kafka, messages, RATE) as load:
            load.wait(len(messages) // 4)
            filler = fill(small_disk)
            shop.wait("nothing more is taken", lambda: load.stalled_s > STALL_S, 60)
            shop.wait("the reason is told", lambda: says_why(shop, small_disk), 60)
            filler.unlink()
            shop.revive()
        run.check(workers=1)
