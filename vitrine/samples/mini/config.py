"""What a training run of `mini` depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vitrine.samples.mini.architecture import MiniArchitecture
from vitrine.samples.mini.data.corpus import CorpusConfig


@dataclass(frozen=True)
class TrainingPhase:
    """A stretch of the training, and how many things of each kind its batches hold."""

    steps: int
    rendered: int
    invented: int
    photos: int
    listings: int
    words: bool = True
    """Whether texts take part."""
    light: float = 1.0
    """How much scenes are relit: 1 is a shop seen by a phone, on top of the light that they were drawn in."""
    closest: float = 0.5
    """Side of the smallest window cut from a scene, as a share of the scene's."""
    centred: bool = False
    """Whether the picture tower is centred first and stays as it is, while the texts learn to meet it; the learning
    rate begins anew."""


@dataclass(frozen=True)
class MiniConfig:
    """Everything that a training run depends on."""

    output: Path = Path("encoders/models/mini")
    """Directory of the finished model."""
    work: Path = Path("build/train-mini")
    """Directory of drawn pictures and of the checkpoint that a broken run resumes from."""
    architecture: MiniArchitecture = field(default_factory=MiniArchitecture)
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    phases: tuple[TrainingPhase, ...] = (
        TrainingPhase(200, 0, 112, 48, 0, words=False),
        TrainingPhase(200, 80, 48, 32, 16),
        TrainingPhase(1100, 80, 48, 32, 16, light=0.5, closest=0.65),
        TrainingPhase(400, 112, 0, 32, 16, light=0.5, closest=0.65, centred=True),
    )
    """Pictures of things without words first, which is cheap; then all together; then in gentler light; then words to
    centred pictures."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 60
    average_decay: float = 0.997
    """The shipped weights are a moving average of the trained ones, with this memory a step."""
    picture_scale: float = 16.0
    """Inverse temperature of the picture–picture loss."""
    picture_weight: float = 1.0
    cross_weight: float = 0.7
    text_weight: float = 0.5
    checkpoint_every: int = 50
    seed: int = 1
    threads: int = 1
