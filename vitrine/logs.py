"""Structured logs: constant event names with fields; JSON lines, or readable ones on a terminal."""

from __future__ import annotations

import json
import logging
import sys
import time

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, and the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class _TerminalFormatter(logging.Formatter):
    """Time, level, event and fields for a person to read."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        return f"{super().format(record)} {fields}".rstrip()


def configure_logging(level: str = "INFO") -> None:
    """Log to standard error; the libraries' own chatter from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    on_terminal = sys.stderr.isatty()
    handler.setFormatter(
        _TerminalFormatter("%(asctime)s %(levelname)-7s %(message)s") if on_terminal else _JsonFormatter()
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for package in ("streams", "encoders", "indexer", "query_api", "vitrine"):
        logging.getLogger(package).setLevel(level)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}
