"""The documents are true: what they name is there, what they link to exists, every room and every page is listed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import get_type_hints

import pytest

from tests.paths import ROOT
from vitrine.settings import Settings

PACKAGES = ("streams", "encoders", "indexer", "query_api", "vitrine", "deploy", "tests", "examples")
FOLDERS = (*PACKAGES, "docs", ".ci", ".github")
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("encoders/models/*/*.md")]
)
# An entry of the past names what was there then.
PAGES_OF_THE_PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]

NOT_OURS = {
    "vitrine.toml": "the settings file of whoever runs it",
    "vitrine/models": "a folder in the user's cache directory",
    "vitrine/query": "the source of an event",
    "examples/publish": "the source of an event",
}
"""What looks like a path or a module of the repository and is none."""

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(rf"(?<![\w./:@{{-])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*(?:::\w+)?")
_MODULE = re.compile(rf"(?<![\w./:@-])(?:{'|'.join(PACKAGES)})(?:\.(?!md\b|json\b)[A-Za-z_]\w*)+\b(?!\.\w|[\w-]*[-/])")
_NAME = re.compile(r"`([A-Z][a-z]\w*[A-Z]\w*)`")
_TARGET = re.compile(r"`make ([\w-]+)")
_HEADING = re.compile(r"(?m)^#{1,6} (.+)$")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


pages = pytest.mark.parametrize("page", PAGES_OF_THE_PRESENT, ids=named)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_resolves(page: Path) -> None:
    assert [link for link in _LINK.findall(page.read_text()) if not _resolves(page, link)] == []


@pages
def test_every_path_exists(page: Path) -> None:
    paths = {path.rstrip(".") for path in _PATH.findall(page.read_text())} - NOT_OURS.keys()
    assert sorted(path for path in paths if not _exists(path)) == []


@pages
def test_every_module_and_what_is_named_of_it_exists(page: Path) -> None:
    names = set(_MODULE.findall(page.read_text())) - NOT_OURS.keys()
    assert sorted(name for name in names if not _is_defined(name)) == []


@pages
def test_every_class_is_known_to_the_code(page: Path) -> None:
    assert sorted(set(_NAME.findall(page.read_text())) - _words_of_the_code()) == []


@pages
def test_every_make_target_is_there(page: Path) -> None:
    targets = set(re.findall(r"(?m)^([\w -]+):", (ROOT / "Makefile").read_text()))
    known = {target for line in targets for target in line.split()}
    assert set(_TARGET.findall(page.read_text())) <= known


@pages
def test_every_setting_exists(page: Path) -> None:
    sections = "|".join(sorted({setting.partition(".")[0] for setting in _settings()}))
    keys = {".".join(key) for key in re.findall(rf"`({sections})\.(\w+)(?= ?[=`])", page.read_text())}
    assert sorted(keys - _settings()) == []


@pages
def test_every_metric_and_header_is_known_to_the_code(page: Path) -> None:
    assert sorted(set(re.findall(r"\bvitrine_[a-z_]+", page.read_text())) - _words_of_the_code()) == []


def test_the_architecture_names_every_folder_of_code() -> None:
    architecture = (ROOT / "docs/architecture.md").read_text()
    folders = [
        named(init.parent)
        for package in PACKAGES
        if package not in ("tests", "examples")
        for init in sorted((ROOT / package).rglob("__init__.py"))
        # How the sample goods are drawn is one room, however many corners it has.
        if "vitrine/samples/" not in named(init)
    ]
    assert [folder for folder in folders if f"`{folder}/`" not in architecture] == []


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text()
    targets = set(_LINK.findall(index))
    listed = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"]
    assert sorted(set(listed) - targets) == []


def test_decisions_are_listed_numbered_and_of_one_form() -> None:
    folder = ROOT / "docs/decisions"
    records = sorted(folder.glob("0*.md"))
    assert sorted(set(re.findall(r"\((0\d+-[^)]+)\)", (folder / "README.md").read_text()))) == [
        record.name for record in records
    ]
    for number, record in enumerate(records, 1):
        text = record.read_text()
        assert record.name.startswith(f"{number:04d}-") and text.startswith(f"# {number}. ")
        assert re.findall(r"(?m)^## (.+)$", text) == ["Context", "Decision", "Measured, and rejected", "Consequences"]


def test_the_checks_see_what_is_wrong() -> None:
    assert not _exists("streams/gone.py") and not _exists("tests/unit/test_documents.py::test_gone")
    assert _exists("tests/unit/test_documents.py::test_every_link_resolves") and _exists("streams/events/")
    assert not _is_defined("streams.gone") and not _is_defined("streams.errors.Gone")
    assert _is_defined("indexer.records.ProductState.merge") and _is_defined("query_api.http")
    assert not _resolves(ROOT / "README.md", "docs/gone.md") and not _resolves(ROOT / "README.md", "#gone")
    assert "query.ranker" in _settings() and "query.gone" not in _settings()
    assert _MODULE.findall("`vitrine.index-changes`, `vitrine.retry.1s`") == []


def _resolves(page: Path, link: str) -> bool:
    """Whether a link leads somewhere; those out of the repository are not followed."""
    if re.match(r"[a-z]+:", link):
        return True
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """The anchors that a renderer gives a page's headings."""
    headings = _HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _exists(path: str) -> bool:
    file, _, test = path.partition("::")
    if test:
        return (ROOT / file).exists() and f"def {test}(" in (ROOT / file).read_text()
    return any(ROOT.glob(file)) if "*" in file else (ROOT / file).exists()


def _is_defined(dotted: str) -> bool:
    """Whether a dotted name is a module, or is defined in one; nothing is imported."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        module = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if module.exists():
            return set(parts[length:]) <= _defined_in(module)
    return False


@cache
def _defined_in(module: Path) -> set[str]:
    return set(_definitions(ast.parse(module.read_text())))


def _definitions(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield child.name
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id


@cache
def _settings() -> set[str]:
    """The keys of all settings, such as `query.ranker`."""
    sections = {name: kind for name, kind in get_type_hints(Settings).items() if is_dataclass(kind)}
    return {f"{name}.{setting.name}" for name, kind in sections.items() for setting in fields(kind)}


@cache
def _words_of_the_code() -> set[str]:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    return {word for file in files for word in re.findall(r"\w+", file.read_text())}
