"""Voice as a ranker sees it: log-mel frames, and an LSTM over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transformers.audio_utils import mel_filter_bank

from encoders.architectures.towers import masked_mean
from encoders.spec import FloatArray

SAMPLE_RATE_HZ: Final = 16_000
_WINDOW, _HOP = 400, 160
"""Samples: 25 ms and 10 ms."""
_MEL_FLOOR: Final = 1e-5
MAX_FRAMES: Final = 1_500
"""Of a recording, 15 s are heard."""


def log_mel(samples: FloatArray, mels: int = 40) -> FloatArray:
    """Mono samples (n,) float32 in −1 … 1 at 16 kHz → (frames, mels) float32, loudness apart.

    Source: Davis and Mermelstein, "Comparison of Parametric Representations for Monosyllabic Word Recognition", 1980.
    """
    wave = torch.from_numpy(np.ascontiguousarray(samples[: MAX_FRAMES * _HOP], np.float32))
    wave = torch.nn.functional.pad(wave, (0, max(0, _WINDOW - len(wave))))
    window = torch.hann_window(_WINDOW)
    power = torch.stft(wave, _WINDOW, _HOP, window=window, center=False, return_complex=True).abs() ** 2
    bank = mel_filter_bank(_WINDOW // 2 + 1, mels, 0.0, SAMPLE_RATE_HZ / 2, SAMPLE_RATE_HZ)
    levels = (power.T @ torch.from_numpy(bank.astype(np.float32))).clamp(min=_MEL_FLOOR).log()
    # How loud somebody speaks says nothing of what they want.
    return (levels - levels.mean()).numpy()


class VoiceTower(nn.Module):
    """A bidirectional LSTM over log-mel frames; the whole is the mean of its states, zero without a recording.

    Source: Graves et al., "Speech Recognition with Deep Recurrent Neural Networks", 2013.
    """

    def __init__(self, mels: int, width: int) -> None:
        super().__init__()
        self.mels = mels
        self.width = 2 * (width // 2)
        self.lstm = nn.LSTM(mels, width // 2, batch_first=True, bidirectional=True)

    def forward(self, recordings: Sequence[FloatArray | None]) -> Tensor:
        """Log-mel frames (frames, mels) of each, or None → (n, width)."""
        device = next(self.lstm.parameters()).device
        out = torch.zeros(len(recordings), self.width, device=device)
        rows = [row for row, recording in enumerate(recordings) if recording is not None and len(recording)]
        if not rows:
            return out
        frames = [torch.from_numpy(np.asarray(recordings[row], np.float32)) for row in rows]
        lengths = torch.tensor([len(recording) for recording in frames])
        padded = nn.utils.rnn.pad_sequence(frames, batch_first=True).to(device)
        packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        mask = torch.arange(states.shape[1])[None] < lengths[:, None]
        return out.index_copy(0, torch.tensor(rows, device=device), masked_mean(states, mask.to(device)))
