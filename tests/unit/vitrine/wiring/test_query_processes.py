"""When processes are started again, and with what."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

import pytest

from vitrine.errors import VitrineError
from vitrine.settings import load_settings
from vitrine.wiring.query_processes import (
    FIRST_BACKOFF_S,
    MAX_BACKOFF_S,
    SETTLED_S,
    next_backoff_s,
    process_environment,
    reserve_ports,
)


def test_a_process_that_keeps_ending_is_started_less_and_less_often() -> None:
    waits = list(itertools.accumulate(range(10), lambda wait_s, _: next_backoff_s(wait_s, 1.0), initial=0.0))[1:]
    assert waits[0] == FIRST_BACKOFF_S and waits[1] == 2 * FIRST_BACKOFF_S
    assert waits == sorted(waits) and waits[-1] == MAX_BACKOFF_S
    assert next_backoff_s(MAX_BACKOFF_S, SETTLED_S + 1) == FIRST_BACKOFF_S


def test_a_process_finds_the_settings_in_its_environment_wherever_they_came_from(tmp_path: Path) -> None:
    file = tmp_path / "vitrine.toml"
    file.write_text("[query]\nprocesses = 2\ncandidates = 300\n[encoder]\nthreads = 3\n")
    settings = load_settings({"VITRINE_QUERY_KEEP_ALIVE_S": "9"}, file, {"query.port": 1234, "data_dir": tmp_path})
    started = load_settings(process_environment(settings))
    assert started == settings


def test_a_port_is_kept_for_the_processes_and_taken_from_nobody() -> None:
    settings = load_settings({"VITRINE_QUERY_PORT": "0", "VITRINE_QUERY_PROCESSES": "2"})
    with reserve_ports(settings) as reserved:
        port = reserved.query.port
        with socket.socket() as member:
            member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            member.bind(("127.0.0.1", port))
            member.listen()
            with pytest.raises(VitrineError, match=f"port {port} "), reserve_ports(reserved):
                pass
