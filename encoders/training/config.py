"""What a training run on a catalogue depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Loss = Literal["info-nce", "sigmoid", "triplet", "pair"]
Precision = Literal["float32", "bfloat16", "float16"]
BatchSideName = Literal["query", "text", "photo", "picture", "product"]


@dataclass(frozen=True)
class Task:
    """Two sides of a product that are brought together, and how much their loss counts.

    `query` is what a shopper could type, `text` what the index embeds of a product, `photo` and `picture` two
    pictures of it, `product` text and pictures embedded as one.
    """

    left: BatchSideName
    right: BatchSideName
    weight: float = 1.0


PART_TASKS = (
    Task("query", "text"),
    Task("query", "picture", 0.5),
    Task("photo", "picture"),
    Task("photo", "text", 0.3),
)
"""For models whose products are a text part and a picture part: the index weighs the parts."""
JOINT_TASKS = (
    Task("query", "product"),
    Task("photo", "product"),
    Task("query", "text", 0.3),
    Task("photo", "picture", 0.3),
)
"""For models that embed a whole product into one vector."""


@dataclass(frozen=True)
class Augmentation:
    """How much texts and pictures are varied in training; 0 switches one off."""

    word_dropout: float = 0.1
    """Share of words left out of a text."""
    shuffle: float = 0.3
    """Share of texts whose fields come in another order."""
    typos: float = 0.03
    """Share of words that get a typing error."""
    closest: float = 0.5
    """Side of the smallest window cut out of a picture, as a share of the picture's; 1: whole pictures."""
    light: float = 1.0
    """Changes of colour and light: 1 is a shop seen by a phone."""
    blur: float = 0.2
    """Share of pictures blurred."""
    background: float = 0.3
    """Share of pictures on white that get another picture's ground."""
    cover: float = 0.2
    """Share of pictures partly covered, as price tags and fingers do."""


@dataclass(frozen=True)
class TuningConfig:
    """Everything that a run depends on, beside the model and the data."""

    output: Path
    """Directory of the finished model."""
    work: Path = Path("build/train")
    """Checkpoints; a broken run of the same settings and data goes on from here."""
    tasks: tuple[Task, ...] = PART_TASKS
    loss: Loss = "info-nce"
    margin: float = 0.2
    """Of the triplet loss, in cosine."""
    category_weight: float = 0.0
    """Of a category classifier on top of the embeddings, where products have categories; 0: none is trained."""
    new_pieces: int = 8000
    """Words of the catalogue, at most, that the text tower gets pieces for; 0: its vocabulary stays."""
    max_tokens: int = 64
    """To which length texts are read, in tokens, where the catalogue's are so long; a longer tower stays as it is."""
    distil_weight: float = 1.0
    """Of the teachers' similarities; counts where there are teachers."""
    batch: int = 128
    """Products a batch, over all processes."""
    chunk: int | None = None
    """Rows embedded at a time with gradients; batches larger than memory then work, at twice the forward cost."""
    hard_negatives: int = 3
    """Nearest wrong products that each product brings into its batch; 0: batches are random."""
    minutes: float | None = 10.0
    """Time for the steps, in minutes; None: no bound."""
    steps: int | None = None
    """Most steps; None: as many as the time allows. Same steps and seed give the same weights."""
    learning_rate: float | None = None
    """At its height; None: by how many numbers learn, large models being easily spoilt."""
    word_rate: float = 6.0
    """How much faster the text tower learns when half of its vocabulary or more is new; in proportion where less is."""
    head_learning_rate: float = 1e-2
    """Of the temperature and the classifier."""
    layer_decay: float = 1.0
    """Each layer learns so much slower than the one above it."""
    frozen: tuple[str, ...] = ()
    """Parameters whose names contain one of these stay as they are."""
    lora_rank: int = 0
    """Rank of low-rank adapters in place of whole matrices; 0: none."""
    weight_decay: float = 0.02
    warmup: float = 0.05
    """Share of the run in which the learning rate rises."""
    average_decay: float = 0.99
    """The kept weights are a moving average with this memory a step; 0: the last ones."""
    evaluations: int = 10
    """How often held-out retrieval is measured."""
    patience: int = 4
    """Measurements without a new best after which the run stops."""
    precision: Precision = "float32"
    """Of the forward passes; weights and optimiser are in float32."""
    seed: int = 1
    """Of everything random."""
    threads: int | None = None
    """CPU threads; None: as torch chooses."""
    checkpoint_every_s: float = 20.0
    """Seconds after which the next step's end writes a checkpoint; 0: every step."""
    tensorboard: Path | None = None
    """Directory of TensorBoard's files; None: none are written."""
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def joint(self) -> bool:
        """Whether whole products are embedded, as models that fuse text and pictures do."""
        return any("product" in (task.left, task.right) for task in self.tasks)
