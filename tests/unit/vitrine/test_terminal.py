"""What came from data steers neither a terminal nor a log, wherever it is printed."""

from __future__ import annotations

import io
import json
import logging
import sys

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from streams.errors import StreamError
from streams.files.rows import RejectedRow
from streams.files.sending import PublishReport
from vitrine import cli
from vitrine.client import SearchResults
from vitrine.commands.progress import PublishProgressView
from vitrine.commands.search import search
from vitrine.logs import _JsonFormatter, _TerminalFormatter
from vitrine.terminal import cell, escaped_json, json_text, printable, printable_lines

HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b[2J[red]\x9b31m\u202egpj.exe\u2066\x7f\r\nline two\u2028three\ud800"
STEERING = set("\x1b\x07\x9b\u202e\u2066\x7f\r\u2028\ud800")


@given(st.text(st.characters(exclude_categories=()), max_size=50))
def test_no_text_steers(text: str) -> None:
    assert all(character >= " " and character not in STEERING for character in printable(text))
    assert printable_lines(text).count("\n") == text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert json.loads(json_text([text])) == [text]
    assert not STEERING & set(json_text([text]))


def test_texts_of_all_languages_stay_as_they_are() -> None:
    for text in ("Größe 42", "短袖 T恤", "می‌خواهم", "👩‍💻 café", "a\u00a0b"):
        assert printable(text) == text
        assert escaped_json(json.dumps(text, ensure_ascii=False)) == json.dumps(text, ensure_ascii=False)


def test_a_cell_of_a_table_is_text_and_no_markup() -> None:
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=200).print(cell(HOSTILE))
    assert "[red]" in out.getvalue()
    assert not STEERING & set(out.getvalue().replace("\x1b[0m", ""))


def test_search_prints_titles_and_ids_that_steer_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("product_id", "title", "currency", "brand", "category")
    hit = dict.fromkeys(names, HOSTILE.replace("\ud800", "")) | {"score": 1.0, "price": 1.0}
    answer = {"query_id": "q", "hits": [hit], "total": 1, "took_ms": 1.0, "did_you_mean": HOSTILE}
    search._print_table(msgspec.convert(answer, SearchResults))
    shown = capsys.readouterr().out
    assert "gpj.exe" in shown
    assert not STEERING & set(shown)


def test_a_rejected_row_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with PublishProgressView(PublishReport()) as view:
        view.rejected(RejectedRow(1, HOSTILE))
    shown = capsys.readouterr().err
    assert "gpj.exe" in shown
    assert not STEERING & set(shown)
    assert len(shown.splitlines()) == 1


def test_an_error_that_quotes_data_steers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StreamError(HOSTILE)

    monkeypatch.setattr("vitrine.commands.search.search._search", fail)
    for arguments in (["search", "dress"], ["search", "dress", "--filter", HOSTILE.replace("\ud800", "")]):
        result = CliRunner().invoke(cli.main, arguments)
        assert result.exit_code
        assert "gpj.exe" in result.output
        assert not STEERING & set(result.output)


@pytest.mark.parametrize("formatter", [_JsonFormatter(), _TerminalFormatter()])
def test_a_field_of_a_log_cannot_write_a_line_of_its_own(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("streams", logging.INFO, "", 0, "dead %s", (HOSTILE,), None)
    record.__dict__["url"] = HOSTILE
    line = formatter.format(record)
    assert len(line.splitlines()) == 1
    assert not STEERING & set(line)


def test_a_traceback_on_a_terminal_keeps_its_lines_and_steers_nothing() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record = logging.LogRecord("streams", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    text = _TerminalFormatter().format(record)
    assert "Traceback" in text.splitlines()[1]
    assert not STEERING & set(text)
