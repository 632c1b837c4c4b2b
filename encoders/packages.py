"""Packages that not every installation has, and the extra of this project that brings each. Free of them all."""

from __future__ import annotations

import importlib.util
from typing import Final

from encoders.errors import MissingPackage

EXTRAS: Final = {
    "torch": "torch",
    "torchvision": "torch",
    "transformers": "torch",
    "accelerate": "train",
    "lightgbm": "train",
    "peft": "train",
    "tensorboard": "train",
    "nncf": "int8",
    "ctranslate2": "voice",
    "opentelemetry": "traces",
}
"""The extra to install, by the package that is imported."""
TORCH: Final = ("torch", "transformers")
"""What every encoder needs that is not run by OpenVINO."""


def is_installed(package: str) -> bool:
    """Whether a package can be imported, without importing it."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        # ValueError: it is in `sys.modules` without a spec, as a module that is kept from being imported.
        return False


def require(what: str, *packages: str) -> None:
    """Raise `MissingPackage`, saying what to install, where one of the packages is not there.

    Args:
        what: begins the message: whatever it is that needs them.
        packages: names as in `EXTRAS`.
    """
    for package in packages:
        if not is_installed(package):
            raise MissingPackage(missing(what, package))


def missing(what: str, package: str) -> str:
    """One sentence that says which extra to install, and how."""
    extra = EXTRAS[package]
    return (
        f"{what} needs the package {package}, which this installation does without:"
        f" pip install 'vitrine[{extra}]', or in a checkout: make setup"
    )
