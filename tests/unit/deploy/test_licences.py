"""Every file that is installed is known by its hash, and every package by a licence that is allowed."""

from __future__ import annotations

import re

import pytest

from deploy.licences import TABLE, is_allowed, licences, read_lock, runtime_packages, unhashed_files


def test_every_file_of_the_lock_has_its_hash() -> None:
    assert list(unhashed_files(read_lock())) == []


def test_a_file_without_a_hash_and_a_package_from_elsewhere_are_seen() -> None:
    bad = {
        "a": {"source": {"registry": "https://pypi.org/simple"}, "wheels": [{"url": "a.whl"}]},
        "b": {"source": {"git": "https://example.org/b"}, "sdist": {"url": "b.tgz", "hash": "sha256:" + "0" * 64}},
        "c": {"source": {"registry": "https://pypi.org/simple"}, "wheels": [{"url": "c.whl", "hash": "md5:00"}]},
    }
    assert [line.split()[0] for line in unhashed_files(bad)] == ["a.whl", "b", "c.whl"]


def test_every_licence_is_allowed() -> None:
    found, _ = licences()
    assert {licence.package: licence.expression for licence in found if not licence.is_allowed} == {}


def test_the_page_lists_every_package_as_the_lock_has_it() -> None:
    lock = read_lock()
    listed = dict(re.findall(r"(?m)^\| ([\w.-]+) \| ([^ ]+) \|", TABLE.read_text()))
    listed.pop("Package", None)
    wanted = {name: lock[name]["version"] for name in runtime_packages(lock)}
    assert listed == wanted, "run `python -m deploy.licences` in a full installation"


def test_the_page_says_what_installed_packages_say() -> None:
    text = TABLE.read_text()
    found, _ = licences()
    assert all(f"| {licence.package} | {licence.version} | {licence.expression} |" in text for licence in found)


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("", False),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("MPL-2.0 AND (Apache-2.0 OR GPL-3.0-only)", True),
        ("(GPL-3.0-only AND MIT) OR AGPL-3.0-only", False),
        ("Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND Zlib", True),
    ],
)
def test_expressions(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed
