"""What people see on a terminal is written by the project; what libraries write goes to a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import logging, os, subprocess, sys, warnings
from pathlib import Path
from vitrine.logs import log_to_file

log_to_file(Path(sys.argv[1]))
os.write(2, b"from C\\n")
subprocess.run(["sh", "-c", "echo from a child >&2"], check=True)
warnings.warn("from Python")
logging.getLogger("library").warning("from a logger")
print("from us", file=sys.stderr)
raise SystemExit("and the end")
"""


def run(data_dir: Path, cache: Path) -> str:
    """What a command that libraries write in prints."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    argv = [sys.executable, "-c", PROGRAM, str(data_dir)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60).stderr


def assert_complete(log: Path) -> None:
    words = log.read_text()
    assert "from C\nfrom a child\n" in words and "from us" not in words
    events = [json.loads(line)["event"] for line in words.splitlines() if line.startswith("{")]
    assert len(events) == 2 and "from Python" in events[0] and events[1] == "from a logger"


def test_what_libraries_and_children_write_goes_to_the_log_of_the_data_dir(tmp_path):
    assert run(tmp_path, tmp_path / "cache") == "from us\nand the end\n"
    assert_complete(tmp_path / "logs" / "commands.log")
    assert not (tmp_path / "cache").exists()


def test_a_data_dir_that_is_not_there_is_not_made_for_it(tmp_path):
    assert run(tmp_path / "absent", tmp_path / "cache") == "from us\nand the end\n"
    assert_complete(tmp_path / "cache" / "vitrine" / "logs" / "commands.log")
    assert not (tmp_path / "absent").exists()


def test_without_a_place_for_a_log_nothing_is_lost(tmp_path):
    (tmp_path / "file").touch()
    assert "from C\nfrom a child\n" in run(tmp_path / "absent", tmp_path / "file")
