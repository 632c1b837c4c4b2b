"""API keys: their form, and what is stored of them."""

from __future__ import annotations

import math
import re

import pytest

from query_api.access.api_keys import decode_record, digest_of, encode_record, is_key, make_key
from query_api.errors import InvalidAccess, NotAuthenticated


def test_a_key_is_random_recognisable_and_checked() -> None:
    keys = {make_key(["search"], 0.0)[0] for _ in range(200)}
    assert len(keys) == 200
    for key in keys:
        assert re.fullmatch(r"vitrine_sk_[0-9A-Za-z]{49}", key) and is_key(key)
    assert 43 * math.log2(62) >= 256
    assert make_key(["search"], 0.0, public=True)[0].startswith("vitrine_pk_")


def test_one_wrong_character_is_found_without_asking_a_server() -> None:
    key, _ = make_key(["search"], 0.0)
    for at in range(len("vitrine_sk_"), len(key)):
        wrong = key[:at] + ("a" if key[at] != "a" else "b") + key[at + 1 :]
        assert not is_key(wrong)
    for wrong in ("", key + "a", key[:-1], key + "\n", "vitrine_xk_" + key[11:], key.replace("vitrine", "VITRINE")):
        assert not is_key(wrong)


def test_what_is_stored_has_not_the_key_and_comes_back() -> None:
    key, stored = make_key(["events", "search"], 5.0, "shop", 9.0)
    record = encode_record(stored)
    assert key.encode() not in record and key[20:].encode() not in record
    assert stored.digest == digest_of(key) and stored.id == stored.digest[:12]
    assert decode_record(record) == stored and stored.scopes == ["search", "events"]


def test_a_key_ends_when_it_was_said_to() -> None:
    _, stored = make_key(["search"], 0.0, expires_s=10.0)
    assert stored.caller(9.99).scopes == {"search"}
    with pytest.raises(NotAuthenticated, match="expired"):
        stored.caller(10.0)


def test_a_public_key_searches_and_no_more() -> None:
    for scopes in (["events"], ["search", "admin"]):
        with pytest.raises(InvalidAccess, match="public"):
            make_key(scopes, 0.0, public=True)  # type: ignore[arg-type]
    forged = decode_record(encode_record(make_key(["admin", "search"], 0.0)[1]).replace(b"}", b',"public":true}'))
    assert forged.caller(0.0).scopes == {"search"}


@pytest.mark.parametrize("record", [b"", b"{}", b"[]", b"\xff", b'{"id":"a","digest":"zz","scopes":["search"]}'])
def test_a_record_that_is_none_is_named(record: bytes) -> None:
    with pytest.raises(InvalidAccess, match="no API key"):
        decode_record(record)


def test_keys_without_scope_or_with_a_long_name_are_not_made() -> None:
    with pytest.raises(InvalidAccess, match="scope"):
        make_key([], 0.0)
    with pytest.raises(InvalidAccess, match="101 characters"):
        make_key(["search"], 0.0, "n" * 101)
