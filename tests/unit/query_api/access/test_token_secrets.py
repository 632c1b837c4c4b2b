"""Secrets of shopper tokens, and their rotation."""

from __future__ import annotations

from pathlib import Path

import pytest

from query_api.access.shopper_tokens import ShopperTokens, mint_shopper_token
from query_api.access.token_secrets import TokenSecret, TokenSecrets, parse_secrets
from query_api.errors import InvalidAccess, NotAuthenticated
from tests.access import NEW, OLD, SECRET


def test_secrets_have_names_and_the_first_signs() -> None:
    assert parse_secrets(SECRET, "x") == (TokenSecret("new", NEW.encode()), TokenSecret("old", OLD.encode()))
    assert parse_secrets(NEW, "x") == (TokenSecret("", NEW.encode()),)


@pytest.mark.parametrize("text", ["", ",", "short", "a:short", f"{NEW} {OLD}", f"{NEW},{OLD}", f"a:{NEW},a:{OLD}"])
def test_secrets_that_cannot_be_used_are_refused_and_never_shown(text: str) -> None:
    with pytest.raises(InvalidAccess) as refused:
        parse_secrets(text, "here")
    assert "here" in str(refused.value) and NEW not in str(refused.value)
    assert NEW not in repr(parse_secrets(SECRET, "x"))


def test_both_secrets_are_taken_while_one_replaces_the_other(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.write_text(f"old:{OLD}\n")
    secrets = TokenSecrets("", str(path))
    tokens = ShopperTokens(secrets, 86_400.0)
    of_old = mint_shopper_token(OLD, "ada", key_id="old")
    of_new = mint_shopper_token(NEW, "ada", key_id="new")
    nameless = mint_shopper_token(NEW, "ada")
    assert tokens.read(of_old, "old")[0].user_id == "ada"
    assert not secrets.refresh()
    path.write_text(f"new:{NEW}\nold:{OLD}\n")
    assert secrets.refresh() and secrets.current[0].id == "new"
    for token, key_id in ((of_old, "old"), (of_new, "new"), (nameless, None)):
        assert tokens.read(token, key_id)[0].user_id == "ada"
    path.write_text(f"new:{NEW}\n")
    assert secrets.refresh()
    with pytest.raises(NotAuthenticated):
        tokens.read(of_old, "old")


def test_a_file_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    with pytest.raises(InvalidAccess, match="cannot be read"):
        TokenSecrets("", str(path))
    path.write_text(NEW)
    secrets = TokenSecrets("", str(path))
    path.write_text("short")
    assert not secrets.refresh()
    path.unlink()
    assert not secrets.refresh()
    assert secrets.current[0].secret == NEW.encode()


@pytest.mark.parametrize(
    ("user_id", "options"),
    [
        ("", {}),
        ("u" * 257, {}),
        ("ada", {"scopes": ["admin"]}),
        ("ada", {"scopes": []}),
        ("ada", {"filters": {"x": 1}}),
    ],
)
def test_tokens_that_no_worker_would_take_are_not_made(user_id: str, options: dict) -> None:
    with pytest.raises(InvalidAccess):
        mint_shopper_token(NEW, user_id, **options)
