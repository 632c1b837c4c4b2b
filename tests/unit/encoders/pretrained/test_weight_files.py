"""Weights out of packages: checked before they are read, and without running the package."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from encoders.errors import MissingPackage, ModelUnavailable
from encoders.pretrained.weight_files import WeightFile

CONTENT = b"weights"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of packages with one that must not be imported."""
    (tmp_path / "towers_of_babel-1.0.dist-info").mkdir()
    (tmp_path / "towers_of_babel-1.0.dist-info" / "METADATA").write_text("Name: towers-of-babel\nVersion: 1.0\n")
    (tmp_path / "towers_of_babel").mkdir()
    (tmp_path / "towers_of_babel" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "towers_of_babel" / "weights.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType]
    return tmp_path


def _file(content: bytes = CONTENT, package: str = "towers-of-babel") -> WeightFile:
    return WeightFile(package, "1.0", "towers_of_babel/weights.bin", hashlib.sha256(content).hexdigest())


def test_a_file_is_read_without_importing_its_package(installed: Path) -> None:
    assert _file().is_installed and _file().read() == CONTENT
    assert "towers_of_babel" not in sys.modules


def test_another_content_is_not_read(installed: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"weights\.bin has the SHA-256 .* it is not read"):
        _file(b"what was tested").read()


def test_a_package_that_is_missing_is_named(installed: Path) -> None:
    other = _file(package="towers-of-hanoi")
    assert not other.is_installed
    with pytest.raises(MissingPackage, match=r"towers-of-hanoi 1\.0 is not installed"):
        other.read()
    (installed / "towers_of_babel" / "weights.bin").unlink()
    assert not _file().is_installed
    with pytest.raises(MissingPackage, match="is broken"):
        _file().read()
