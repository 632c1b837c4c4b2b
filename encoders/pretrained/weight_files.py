"""Weight files in installed packages: found without importing the package, and read only if they are what they were."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from encoders.errors import MissingPackage, ModelUnavailable


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A file of a package from the registry, of which just the bytes are used: no code of the package ever runs."""

    package: str
    version: str
    path: str
    """Within the directory that packages are installed into."""
    sha256: str

    @property
    def is_installed(self) -> bool:
        """Whether the package is there; says nothing of the file's content."""
        try:
            return self._located().is_file()
        except PackageNotFoundError:
            return False

    def read(self) -> bytes:
        """The file's content.

        Raises:
            MissingPackage: the package is not installed, or lacks the file.
            ModelUnavailable: the content is not that of the version which the project was tested with.
        """
        try:
            data = self._located().read_bytes()
        except (PackageNotFoundError, OSError) as error:
            raise MissingPackage(f"the package {self.package} {self.version} is not installed, or is broken") from error
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise ModelUnavailable(
                f"{self._located()} has the SHA-256 {found}, where {self.package} {self.version} has {self.sha256}:"
                " it is not read; install that version anew"
            )
        return data

    def _located(self) -> Path:
        return Path(str(distribution(self.package).locate_file(self.path)))
