"""Logs are bounded, whoever writes them."""

import subprocess
import sys
from pathlib import Path

from deploy.local.log_rotation import MAX_BYTES, previous_log, rotate_logs
from tests.paths import ROOT

WORKER = """
import sys, time
from pathlib import Path
from deploy.local import log_rotation

log_rotation.CHECK_S = 0.01
log_rotation.keep_logs_bounded(Path(sys.argv[1]))
while Path(sys.argv[1], "worker.log").stat().st_size:
    time.sleep(0.01)
"""


def write(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_a_log_stays_within_its_bound_and_the_latest_are_kept(tmp_path):
    log = tmp_path / "worker.log"
    for number in range(10):
        write(log, f"{number}" * 20)
        rotate_logs(tmp_path, max_bytes=10, kept=3)
    kept = [previous_log(log, number).read_text() for number in (1, 2, 3)]
    assert kept == ["9" * 20, "8" * 20, "7" * 20]
    assert sorted(path.name for path in tmp_path.glob("worker*")) == [
        "worker.log",
        "worker.log.1",
        "worker.log.2",
        "worker.log.3",
    ]


def test_who_writes_goes_on_in_the_same_file(tmp_path):
    log = tmp_path / "worker.log"
    with log.open("a", buffering=1) as writer:
        writer.write("x" * 100 + "\n")
        assert rotate_logs(tmp_path, max_bytes=10) == [log]
        writer.write("after\n")
    assert log.read_text() == "after\n"
    assert previous_log(log).read_text() == "x" * 100 + "\n"


def test_a_log_that_is_not_full_is_left_alone(tmp_path):
    write(tmp_path / "worker.log", "short")
    assert rotate_logs(tmp_path, max_bytes=10) == []
    assert [path.name for path in tmp_path.iterdir()] == ["worker.log"]


def test_a_log_goes_even_where_no_copy_can_be_made(tmp_path):
    log = tmp_path / "worker.log"
    previous_log(log).mkdir()
    previous_log(log, 2).mkdir()
    (previous_log(log, 2) / "in the way").touch()
    write(log, "x" * 100)
    rotate_logs(tmp_path, max_bytes=10, kept=1)
    assert log.stat().st_size == 0


def test_a_directory_that_is_not_there_has_no_logs(tmp_path):
    assert rotate_logs(tmp_path / "absent") == []


def test_a_worker_looks_after_the_logs_beside_its_work(tmp_path):
    log = tmp_path / "worker.log"
    with log.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    subprocess.run([sys.executable, "-c", WORKER, str(tmp_path)], cwd=ROOT, timeout=60, check=True)
    assert log.stat().st_size == 0 and previous_log(log).stat().st_size == MAX_BYTES + 1
