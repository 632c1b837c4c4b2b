"""Recognisers by name, as configuration gives them."""

from __future__ import annotations

from encoders import checkpoints
from encoders.errors import ModelUnavailable
from encoders.packages import TORCH, require
from encoders.speech.port import OFFLINE_MODEL, BlockingRecogniser, SpokenVocabulary


def load_recogniser(name: str, device: str = "auto", vocabulary: SpokenVocabulary | None = None) -> BlockingRecogniser:
    """Load a recogniser.

    Args:
        name: `pocketsphinx`, or a directory or hub name of a speech recognition checkpoint such as Whisper.
        device: `auto` (the best there is), or a torch device; PocketSphinx runs on the CPU.
        vocabulary: the words to expect, for a recogniser that can learn them; None: any words.

    Raises:
        ModelUnavailable: no such model or device, one that recognises no speech, or one that torch is missing for.
    """
    # Imported here: each recogniser has libraries of its own, and torch takes seconds to import.
    if name == OFFLINE_MODEL:
        from encoders.speech.sphinx import SphinxRecogniser

        return SphinxRecogniser(vocabulary)
    directory = checkpoints.locate(name)
    if not any(directory.glob("*.safetensors")):
        raise ModelUnavailable(f"{directory} has no *.safetensors; pickled weights can run code and are never loaded")
    require(f"the recogniser {name!r}", *TORCH)
    from encoders.devices import torch_device
    from encoders.speech.hf import HfRecogniser

    return HfRecogniser(directory, torch_device(device))
