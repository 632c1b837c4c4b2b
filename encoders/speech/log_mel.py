"""Log-mel spectrograms as Whisper was trained on them, by numpy alone.

Source: Radford et al., 2022, "Robust speech recognition via large-scale weak supervision"; Slaney, 1998, "Auditory
toolbox", for the scale.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.media.sound import SAMPLE_RATE_HZ, Samples

FRAMES_PER_SECOND: Final = 100
_HOP: Final = SAMPLE_RATE_HZ // FRAMES_PER_SECOND
_WINDOW: Final = 400
"""Samples of a frame of 25 ms."""
_LINEAR_HZ: Final = 200 / 3
"""Width of a mel below `_LOG_FROM_HZ`."""
_LOG_FROM_HZ: Final = 1_000.0
_LOG_STEP: Final = np.log(6.4) / 27
"""Growth of a mel above, as a logarithm."""
_DYNAMIC_RANGE: Final = 8.0
"""Powers of ten that are kept below the loudest."""


def log_mel(samples: Samples, frames: int, bands: int) -> NDArray[np.float32]:
    """The spectrogram (bands, frames) float32 of mono int16 samples (n,) at 16 kHz, cut or filled with silence."""
    wave = np.zeros(frames * _HOP, np.float32)
    wave[: min(len(samples), len(wave))] = samples[: len(wave)].astype(np.float32) / 32_768
    padded = np.pad(wave, _WINDOW // 2, mode="reflect")
    cut = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:frames]
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(cut * window, axis=1)).astype(np.float32) ** 2
    levels = np.log10(np.maximum(_mel_filters(bands) @ power.T, 1e-10))
    return ((np.maximum(levels, levels.max() - _DYNAMIC_RANGE) + 4) / 4).astype(np.float32)


@cache
def _mel_filters(bands: int) -> NDArray[np.float32]:
    """Triangles (bands, bins) float32 of equal width in mel and of equal area."""
    bins = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE_HZ)
    edges = _hertz(np.linspace(0.0, _mels(SAMPLE_RATE_HZ / 2), bands + 2))
    widths = np.diff(edges)
    slopes = edges[:, None] - bins[None, :]
    triangles = np.maximum(0, np.minimum(-slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _mels(hertz: float) -> float:
    return _LOG_FROM_HZ / _LINEAR_HZ + float(np.log(hertz / _LOG_FROM_HZ)) / _LOG_STEP


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    start = _LOG_FROM_HZ / _LINEAR_HZ
    return np.where(mels < start, _LINEAR_HZ * mels, _LOG_FROM_HZ * np.exp(_LOG_STEP * (mels - start)))
