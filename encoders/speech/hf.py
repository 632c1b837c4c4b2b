"""Speech recognition checkpoints in the Hugging Face format: Whisper, and CTC models such as wav2vec 2.0."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCTC, AutoModelForSpeechSeq2Seq, AutoProcessor

from encoders.errors import ModelUnavailable
from encoders.huggingface.library_output import leave_output_to_logging
from encoders.media.sound import SAMPLE_RATE_HZ, Samples, is_silent
from encoders.speech.port import Transcript

_WINDOW_S: Final = 30
"""What Whisper takes at once; longer sounds are transcribed window by window."""
_LEAST_SAMPLES: Final = SAMPLE_RATE_HZ // 10
_NO_SPEECH: Final = "no speech was heard"


class HfRecogniser:
    """A `BlockingRecogniser` over any checkpoint that transcribes, in the languages that it was trained on."""

    def __init__(self, directory: Path, device: torch.device) -> None:
        """Load a checkpoint of safetensors weights. Raises `ModelUnavailable` where it is none of a recogniser."""
        self._device = device
        self._processor, self._model, self._generates = _load(directory, device)

    def transcribe(self, samples: Samples) -> Transcript:
        """What is said in mono int16 samples (n,) at 16 kHz."""
        text = " ".join(filter(None, map(self._window, _windows(samples))))
        return Transcript(text) if text else Transcript("", problem=_NO_SPEECH)

    @torch.inference_mode()
    def _window(self, samples: Samples) -> str:
        waves = samples.astype(np.float32) / 32_768
        inputs = self._processor(waves, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt").to(self._device)
        model = self._model
        tokens = model.generate(**inputs) if self._generates else model(**inputs).logits.argmax(-1)
        return " ".join(self._processor.batch_decode(tokens, skip_special_tokens=True)[0].split())


def _windows(samples: Samples) -> Iterator[Samples]:
    for start in range(0, len(samples), _WINDOW_S * SAMPLE_RATE_HZ):
        window = samples[start : start + _WINDOW_S * SAMPLE_RATE_HZ]
        if len(window) >= _LEAST_SAMPLES and not is_silent(window):
            yield window


def _load(directory: Path, device: torch.device) -> tuple[Any, Any, bool]:
    """Processor, model, and whether the model generates text (Whisper) rather than labels frames (CTC)."""
    leave_output_to_logging()
    safe = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(directory, **safe)
        generates = bool(config.is_encoder_decoder)
        kind = AutoModelForSpeechSeq2Seq if generates else AutoModelForCTC
        processor = AutoProcessor.from_pretrained(directory, **safe)
        model, report = kind.from_pretrained(
            directory, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **safe
        )
    except Exception as error:
        raise ModelUnavailable(
            f"speech model in {directory} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if missing := sorted(report["missing_keys"]):
        raise ModelUnavailable(f"weights in {directory} lack {len(missing)} tensors, the first is {missing[0]}")
    return processor, model.eval().to(device), generates
