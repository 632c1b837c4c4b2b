"""Which recogniser a configured name means, by what is installed."""

from __future__ import annotations

from typing import Final

from encoders.speech import whisper_files
from encoders.speech.port import AUTO_MODEL, SPHINX_MODEL, WHISPER_MODEL

LANGUAGES: Final = ("en", "zh")
"""Two-letter codes of the languages that a recogniser of many languages listens for, unless others are asked for."""


def chosen_model(name: str) -> str:
    """The recogniser that a configured name means: for `auto` Whisper where it is installed, otherwise PocketSphinx."""
    if name != AUTO_MODEL:
        return name
    return WHISPER_MODEL if whisper_files.is_available() else SPHINX_MODEL
