"""Recognisers by name, as configuration gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from encoders import checkpoints
from encoders.errors import ModelUnavailable
from encoders.inference.runtime import Runtime
from encoders.packages import TORCH, require
from encoders.speech import whisper_files
from encoders.speech.port import SPHINX_MODEL, WHISPER_MODEL, BlockingRecogniser, SpokenVocabulary
from encoders.speech.selection import LANGUAGES, chosen_model


def load_recogniser(
    name: str,
    device: str = "auto",
    vocabulary: SpokenVocabulary | None = None,
    languages: Sequence[str] = LANGUAGES,
    cache: Path | None = None,
) -> BlockingRecogniser:
    """Load a recogniser.

    Args:
        name: `whisper-base`, `pocketsphinx`, `auto` for the first of the two that is installed, or a directory or hub
            name of a speech recognition checkpoint.
        device: `auto` (the best there is), or a torch device; the first two run on the CPU.
        vocabulary: the words to expect, for a recogniser that can learn them; None: any words.
        languages: that `whisper-base` tells apart.
        cache: the directory of models that were made ready; None: the user's.

    Raises:
        ModelUnavailable: no such model or device, one that recognises no speech, or one that torch is missing for.
    """
    # Imported here: each recogniser has libraries of its own, and torch takes seconds to import.
    name = chosen_model(name)
    if name == SPHINX_MODEL:
        from encoders.speech.sphinx import SphinxRecogniser

        return SphinxRecogniser(vocabulary)
    if name == WHISPER_MODEL:
        require(f"the recogniser {name!r}", "ctranslate2")
        from encoders.speech.whisper import WhisperRecogniser

        directory = whisper_files.model_directory(cache or Runtime().cache_path)
        return WhisperRecogniser(directory, languages, vocabulary)
    directory = checkpoints.locate(name)
    if not any(directory.glob("*.safetensors")):
        raise ModelUnavailable(f"{directory} has no *.safetensors; pickled weights can run code and are never loaded")
    require(f"the recogniser {name!r}", *TORCH)
    from encoders.devices import torch_device
    from encoders.speech.hf import HfRecogniser

    return HfRecogniser(directory, torch_device(device))
