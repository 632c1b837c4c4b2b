"""`vitrine apikey` over a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from query_api.access.api_keys import digest_of, is_key
from query_api.access.key_file import read_key_file
from query_api.access.shopper_tokens import ShopperTokens
from query_api.access.token_secrets import TokenSecrets
from tests.access import NEW, SECRET
from vitrine.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VITRINE_QUERY_API_KEYS_FILE", str(tmp_path / "keys"))
    return lambda *arguments: CliRunner().invoke(main, ["apikey", *arguments])


def test_a_key_is_shown_once_and_kept_as_its_hash(run: Run, tmp_path: Path) -> None:
    made = run("create", "--scope", "events", "--scope", "search", "--name", "shop", "--expires", "90d")
    key = made.stdout.strip()
    assert is_key(key) and key.startswith("vitrine_sk_") and key not in made.stderr
    (stored,) = read_key_file(tmp_path / "keys")
    assert stored.digest == digest_of(key) and stored.scopes == ["search", "events"] and stored.name == "shop"
    assert stored.expires_s is not None and stored.expires_s - stored.created_s == 90 * 86_400
    assert key not in (tmp_path / "keys").read_text() and stored.id in made.stderr
    for listed in (run("list").stdout, run("list", "--json").stdout):
        assert stored.id in listed and stored.digest not in listed and key not in listed
    assert json.loads(run("list", "--json").stdout)[0]["scopes"] == ["search", "events"]


def test_a_key_for_browsers_searches_alone(run: Run) -> None:
    assert run("create", "--public").stdout.startswith("vitrine_pk_")
    refused = run("create", "--public", "--scope", "admin")
    assert refused.exit_code == 1 and "public" in refused.stderr


def test_a_revoked_key_is_gone_and_an_unknown_one_is_said_to_be(run: Run) -> None:
    run("create", "--scope", "users")
    (key,) = json.loads(run("list", "--json").stdout)
    assert run("revoke", key["id"]).exit_code == 0
    assert run("list").stdout == "no keys\n"
    again = run("revoke", key["id"])
    assert again.exit_code == 1 and key["id"] in again.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["--scope", "everything"], ["--scope", "search", "--expires", "soon"], ["--expires", "0d"]]
)
def test_what_cannot_be_made_is_a_usage_error(run: Run, arguments: list[str]) -> None:
    assert run("create", *arguments).exit_code == 2


def test_a_name_cannot_write_to_the_terminal(run: Run) -> None:
    run("create", "--scope", "search", "--name", "\x1b[2Jshop")
    assert "\x1b" not in run("list").stdout


def test_a_token_is_for_one_shopper_with_what_is_fixed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "VITRINE_QUERY_TOKEN_SECRET" in run("token", "--user", "ada").stderr
    monkeypatch.setenv("VITRINE_QUERY_TOKEN_SECRET", SECRET)
    made = run("token", "--user", "ada", "--filters", '{"in_stock": true}', "--scope", "search", "--expires", "10m")
    caller, _ = ShopperTokens(TokenSecrets(SECRET), 600.0).read(made.stdout.strip(), "new")
    assert caller.user_id == "ada" and caller.scopes == {"search"} and len(caller.filters) == 1
    assert NEW not in made.output
    for wrong in ("{", '{"colour of money": 1}', "[]"):
        assert run("token", "--user", "ada", "--filters", wrong).exit_code != 0
