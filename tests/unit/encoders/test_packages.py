"""Packages that not every installation has: named with the extra that brings them."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from encoders.errors import EncoderError, MissingPackage
from encoders.packages import EXTRAS, is_installed, require

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"

BROUGHT_BY = {"opentelemetry": "opentelemetry-sdk"}
"""The distributions of packages that are called otherwise."""


def test_each_extra_has_the_package_that_it_is_named_for() -> None:
    extras = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["optional-dependencies"]
    for package, extra in EXTRAS.items():
        brought_by = BROUGHT_BY.get(package, package)
        assert any(requirement.startswith(f"{brought_by}>=") for requirement in extras[extra]), package


def test_a_package_that_is_missing_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not is_installed("torch") and is_installed("numpy") and not is_installed("no_such_package")
    require("nothing", "msgspec")
    with pytest.raises(MissingPackage, match=r"^training needs .* torch, .* pip install 'vitrine\[torch\]'"):
        require("training", "torch")
    assert issubclass(MissingPackage, EncoderError)
