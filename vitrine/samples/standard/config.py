"""What a training run of the projections of `standard` depends on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LinearTraining:
    """A linear map trained by Adam, with half a cosine of the learning rate, and drawn back to where it began."""

    steps: int
    learning_rate: float
    pull: float
    """Weight of the squared distance to the first map, as a share of that map's square."""
    temperature: float = 0.07


@dataclass(frozen=True)
class StandardConfig:
    """Everything that a training run depends on."""

    real_data: Path | None = None
    """Directory of real photos and listings; without it, classes and rendered goods alone are learnt from."""
    output: Path = Path("encoders/models/standard")
    """Directory of the finished projections."""
    work: Path = Path("build/train-standard")
    """Directory of the towers' checkpoint and of embedded material."""
    rendered: int = 300
    """Rendered products whose words in two languages are learnt from."""
    translation_shrinkage: float = 1.0
    """What is added to the spread between translations in each direction before it is divided by, as a share of the
    mean."""
    text: LinearTraining = LinearTraining(300, 1e-2, 20.0)
    semantic: LinearTraining = LinearTraining(400, 3e-2, 10.0)
    visual_dim: int = 327
    """With the palette's 57 colours as many dimensions as what pictures mean."""
    visual_share: float = 0.775
    """Share of looks in two pictures' similarity: with colours so much that what is learnt for words costs photos
    nothing."""
    colour_share: float = 0.125
    visual_power: float = 2.0
    """Of the mean over a picture by which its looks are pooled: what is in a part of it counts more than by 1."""
    query_views: tuple[float, ...] = (1.0, 0.55)
    """What is looked at of a picture to search with, as parts of its sides."""
    seed: int = 0
