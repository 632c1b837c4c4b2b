"""Structured logs: constant event names with fields; JSON lines, or readable ones on a terminal."""

from __future__ import annotations

import functools
import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from encoders.tracing.spans import current_span
from vitrine.masking import mask_credentials
from vitrine.terminal import escaped_json, json_text, printable, printable_lines

COMMANDS_LOG = "commands.log"
_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Record(logging.LogRecord):
    """A record without what no line has, as where in the code it was logged: a fifth of what a line costs."""

    def __init__(
        self,
        name: str,
        level: int,
        pathname: str,
        lineno: int,
        msg: object,
        args: Any,
        exc_info: Any,
        func: str | None = None,
        sinfo: str | None = None,
    ) -> None:
        if args or exc_info or sinfo:
            super().__init__(name, level, pathname, lineno, msg, args, exc_info, func, sinfo)
            return
        self.name, self.msg, self.args = name, msg, args
        self.levelno, self.levelname = level, logging.getLevelName(level)
        self.created = time.time()
        self.msecs = self.created % 1 * 1000
        self.exc_info = self.exc_text = self.stack_info = None


class _JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, and the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_trace(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if _may_tell_credentials(record):
            line = {name: mask_credentials(value) if isinstance(value, str) else value for name, value in line.items()}
        return _json_line(line)


class _TerminalFormatter(logging.Formatter):
    """Time, level, event and fields for a person to read."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        first = f"{self.formatTime(record)} {record.levelname:7} {record.getMessage()} {fields}".rstrip()
        # One line, whatever is in it: nobody can write a line of the log by what they send.
        line = printable(first)
        if record.exc_info:
            line += "\n" + printable_lines(self.formatException(record.exc_info))
        return mask_credentials(line) if _may_tell_credentials(record) else line


@functools.lru_cache(8)
def _second(unix_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(unix_s))


def _json_line(line: Mapping[str, object]) -> str:
    try:
        return escaped_json(_encode(line).decode())
    except (msgspec.MsgspecError, UnicodeError, TypeError):
        # What the fast encoder has no words for, such as half of a surrogate pair.
        return json_text(line, indent=None)


_encode = msgspec.json.Encoder(enc_hook=str).encode


def configure_logging(level: str = "INFO") -> None:
    """Log to standard error; what libraries log from WARNING up, Python's warnings included."""
    handler = logging.StreamHandler(sys.stderr)
    on_terminal = sys.stderr.isatty()
    handler.setFormatter(_TerminalFormatter() if on_terminal else _JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # What no line has is not found out: a fifth of what a line costs. Names that `logging` documents for this.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.setLogRecordFactory(_Record)
    logging._srcfile = None  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    for package in ("streams", "encoders", "indexer", "query_api", "vitrine"):
        logging.getLogger(package).setLevel(level)


def log_to_file(data_dir: Path) -> None:
    """Keep the terminal for what a command says itself: all logs, and what libraries write, go to a file.

    That is `logs/commands.log` in the data directory, or in the user's cache directory where that does not exist; a
    full one is put away. The process's standard error becomes that file, for libraries below Python (gRPC, OpenVINO)
    and for child processes; `sys.stderr` goes on writing to what it was. Nothing is done where `sys.stderr` has been
    replaced already, or the file cannot be opened.
    """
    from deploy.local.log_rotation import rotate_logs
    from deploy.local.permissions import private_directory, private_opener
    from deploy.local.services import cache_dir

    if sys.stderr is not sys.__stderr__:
        return
    directory = (data_dir if data_dir.is_dir() else cache_dir()) / "logs"
    try:
        private_directory(directory)
        rotate_logs(directory)
        with open(directory / COMMANDS_LOG, "ab", opener=private_opener) as file:
            terminal = os.dup(2)
            os.dup2(file.fileno(), 2)
    except OSError:
        return
    # By the stream that writes to descriptor 2, which is the file from here on.
    configure_logging()
    sys.stderr = os.fdopen(terminal, "w", 1, encoding=sys.stderr.encoding, errors="backslashreplace")


def _may_tell_credentials(record: logging.LogRecord) -> bool:
    # What goes wrong is told in the words of libraries, which may have a URL in them; other lines are our own.
    return record.levelno >= logging.WARNING


def _trace() -> dict[str, str]:
    """By which a line is found from a trace, and a trace from a line."""
    span = current_span()
    if span is None:
        return {}
    context = span.context
    return {"trace_id": context.trace_id, "span_id": context.span_id}


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}
