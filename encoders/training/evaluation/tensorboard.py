"""TensorBoard: curves, the embedding projector, and what searches retrieve, as pictures and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from encoders.errors import EncoderError
from encoders.training.data.catalogue import TrainingCatalogue
from encoders.training.evaluation.held_out import CatalogueEmbeddings, embed_catalogue
from encoders.training.evaluation.metrics import RetrievalReport
from encoders.training.trainable import Trainable

_EXAMPLES, _HITS, _MOST_PROJECTED = 6, 5, 2_000
_SPRITE_SIDE: Final = 32


class TensorBoardLog:
    """Writes a run's events into a directory; without a directory it writes nothing."""

    def __init__(self, directory: Path | None) -> None:
        """Raises `EncoderError` where a directory is given and TensorBoard is not installed."""
        self._writer: Any = None
        if directory is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise EncoderError("TensorBoard is not installed: install vitrine[train]") from error
            self._writer = SummaryWriter(str(directory))

    def log_losses(self, step: int, losses: Mapping[str, float], learning_rate: float) -> None:
        """Curves of the losses and of the learning rate."""
        if self._writer:
            for name, loss in losses.items():
                self._writer.add_scalar(f"loss/{name.replace(' ', '-')}", loss, step)
            self._writer.add_scalar("learning rate", learning_rate, step)

    def log_retrieval(self, step: int, reports: Sequence[RetrievalReport]) -> None:
        """Curves of held-out retrieval."""
        if self._writer:
            for report in reports:
                self._writer.add_scalar(f"{report.name}/MRR", report.mean_reciprocal_rank, step)
                for recall in report.recalls:
                    self._writer.add_scalar(f"{report.name}/R@{recall.k}", recall.value, step)

    def log_examples(self, step: int, material: TrainingCatalogue, embeddings: CatalogueEmbeddings) -> None:
        """Some products with the products nearest to each: a row of pictures, or of titles where there are none."""
        if not self._writer:
            return
        fused = np.concatenate([embeddings.texts, embeddings.pictures], axis=1)
        shown = np.linspace(0, len(fused) - 1, min(_EXAMPLES, len(fused))).astype(int)
        ranked = np.argsort(-(fused[shown] @ fused.T), axis=1)[:, :_HITS]
        self._writer.add_text("nearest", _table(material, shown.tolist(), ranked), step)
        if len(material.pictures.levels):
            grid = torch.cat([_strip(material, row) for row in ranked.tolist()], dim=1)
            self._writer.add_image("nearest", grid, step)

    def log_embeddings(self, model: Trainable, material: TrainingCatalogue) -> None:
        """The catalogue's embeddings for the projector, with titles, and pictures where every product has one."""
        if not self._writer:
            return
        embeddings = embed_catalogue(model, material, joint=False)
        rows = list(range(len(material.listings)))[:_MOST_PROJECTED]
        vectors = np.where(np.any(embeddings.texts, axis=1, keepdims=True), embeddings.texts, embeddings.pictures)[rows]
        titles = [_name(material, row) for row in rows]
        pictured = all(material.pictures.rows[row] for row in rows)
        sprites = torch.cat([_thumbnail(material, row)[None] for row in rows]) if pictured else None
        self._writer.add_embedding(torch.from_numpy(vectors), metadata=titles, label_img=sprites)

    def close(self) -> None:
        """Write out what is waiting."""
        if self._writer:
            self._writer.close()


def _name(material: TrainingCatalogue, row: int) -> str:
    listing = material.listings[row]
    return (listing.passages[0] if listing.passages else listing.product_id).replace("|", " ")[:80]


def _table(material: TrainingCatalogue, shown: list[int], ranked: np.ndarray) -> str:
    lines = ["| product | nearest |", "|---|---|"]
    for row, hits in zip(shown, ranked.tolist(), strict=True):
        lines.append(f"| {_name(material, row)} | {'; '.join(_name(material, hit) for hit in hits)} |")
    return "\n".join(lines)


def _thumbnail(material: TrainingCatalogue, row: int, side: int = _SPRITE_SIDE) -> torch.Tensor:
    own = material.pictures.rows[row]
    if not own:
        return torch.ones(3, side, side)
    levels = material.pictures.read(own[:1])
    return torch.nn.functional.interpolate(levels, (side, side), mode="area")[0]


def _strip(material: TrainingCatalogue, rows: Sequence[int]) -> torch.Tensor:
    return torch.cat([_thumbnail(material, row, 2 * _SPRITE_SIDE) for row in rows], dim=2)
