"""The command line as a person meets it."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from deploy.local.errors import LocalStackError
from encoders.errors import EncoderError
from indexer.errors import IndexerError
from query_api.errors import QueryError
from streams.errors import StreamError
from vitrine.cli import COMMANDS, main
from vitrine.errors import VitrineError


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("VITRINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    return lambda *arguments: CliRunner().invoke(main, arguments)


def test_help_imports_nothing_slow():
    slow = ("torch", "pymilvus", "transformers", "pyarrow", "aiokafka", "rich", "faust", "httpx")
    program = f"""
import sys
from click.testing import CliRunner
from vitrine.cli import main
assert CliRunner().invoke(main, ["--help"]).exit_code == 0
print([name for name in {slow!r} if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(run, name):
    assert run(name, "--help").exit_code == 0


def test_config_prints_values_origins_and_no_secret(run, monkeypatch):
    monkeypatch.setenv("VITRINE_MILVUS_TOKEN", "hidden")
    printed = run("config", "--json")
    values = json.loads(printed.stdout)
    assert values["milvus.token"] == {"value": "***", "origin": "environment VITRINE_MILVUS_TOKEN"}
    assert values["data_dir"]["origin"] == "environment VITRINE_DATA_DIR"
    assert "hidden" not in run("config").stdout


def test_the_data_dir_is_taken_before_and_after_the_command(run, tmp_path):
    for arguments in (["--data-dir", "/a", "config", "--json"], ["config", "--json", "--data-dir", "/a"]):
        assert json.loads(run(*arguments).stdout)["data_dir"] == {"value": "/a", "origin": "flag"}


def test_a_bad_setting_is_a_usage_error(run, monkeypatch):
    monkeypatch.setenv("VITRINE_KAFKA_PARTITIONS", "many")
    refused = run("config")
    assert refused.exit_code == 2
    assert "kafka.partitions = 'many'" in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["dlq", "list"],
        ["dlq", "show"],
        ["publish", "events", "x.jsonl"],
        ["search", "hoodie"],
        ["explain", "hoodie", "p"],
    ],
)
def test_nothing_running_is_one_sentence_and_exit_code_1(run, tmp_path, monkeypatch, arguments):
    (tmp_path / "x.jsonl").write_text("{}\n", encoding="utf-8")
    monkeypatch.setenv("VITRINE_QUERY_PORT", "1")
    failed = run(*arguments)
    assert failed.exit_code == 1
    assert failed.stderr.count("\n") == 1
    assert "`vitrine up`" in failed.stderr


def test_a_file_of_an_unknown_kind_is_refused_by_its_extension(run, tmp_path):
    (tmp_path / "x.docx").write_bytes(b"")
    refused = run("publish", "products", "x.docx")
    assert refused.exit_code == 1
    assert "'.docx'" in refused.stderr
    assert ".parquet" in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["search"],
        ["search", "x", "--filter", "price"],
        ["explain", "p1"],
        ["explain", "two", "words", "p1"],
        ["explain", "x", "p1", "--filter", "price"],
        ["publish", "products", "missing.csv"],
        ["publish", "products", "x.csv", "--map", "titel=name"],
    ],
)
def test_wrong_usage_has_exit_code_2(run, arguments, tmp_path):
    (tmp_path / "x.csv").touch()
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("kind", [EncoderError, IndexerError, LocalStackError, QueryError, StreamError, VitrineError])
def test_an_error_of_any_package_is_its_message_and_exit_code_1(run, monkeypatch, kind):
    def fail(*_: object, **__: object) -> None:
        raise kind("what went wrong")

    monkeypatch.setattr("vitrine.commands.stack.config.command.callback", fail)
    failed = run("config")
    assert failed.exit_code == 1 and failed.stderr == "Error: what went wrong\n"


def test_reindex_takes_queries_and_judgments_together(run, tmp_path):
    (tmp_path / "queries.tsv").touch()
    refused = run("reindex", "--queries", str(tmp_path / "queries.tsv"))
    assert refused.exit_code == 2 and "--judgments" in refused.stderr
