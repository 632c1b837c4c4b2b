"""A ranker of candidates: what a query and a product have of text, picture and voice, fused on each side and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from encoders.architectures.model import WEIGHTS
from encoders.errors import ModelUnavailable, SpecMismatch
from encoders.ranking.voice import VoiceTower
from encoders.spec import EmbeddingSpec, FloatArray

MODEL_TYPE: Final = "vitrine-ranker"
_SLOPE: Final = 5.0
"""How much each similarity counts before anything is learned: an inverse temperature of 20 in all."""


@dataclass(frozen=True)
class RankerConfig:
    """The shape of a ranker."""

    encoder: str
    """`EmbeddingSpec.key` of the embeddings that it reads."""
    dim: int
    """Dimensions of those."""
    width: int = 64
    """Of what the fusion networks make of a query and of a product."""
    voice_width: int = 64
    mels: int = 40
    dropout: float = 0.4
    """Share of the inner values that each training step leaves out."""


@dataclass(frozen=True)
class RankerInputs:
    """What n queries or n products have; a row of zeros where they lack it."""

    text: Tensor
    """(n, dim) unit embeddings of texts; of a query, what it looks for in texts."""
    image: Tensor
    """(n, dim) unit embeddings of pictures; of a query, what it looks for in pictures."""
    voice: Sequence[FloatArray | None] = ()
    """Log-mel frames (frames, mels) of each, or None; empty: nobody has any."""

    def select(self, index: Tensor) -> RankerInputs:
        """Some of them, by an index (m,) int64."""
        voice = [self.voice[row] for row in index.tolist()] if self.voice else ()
        return RankerInputs(self.text[index], self.image[index], voice)


class FusionRanker(nn.Module):
    """Scores pairs of a query and a product.

    Text, picture and voice of a side are concatenated and pass a fusion network; a score network reads both sides,
    their product and the similarities of their embeddings.
    Source: Ngiam et al., "Multimodal Deep Learning", 2011 (concatenation); He et al., "Neural Collaborative
    Filtering", 2017 (product of both sides before a score network).
    """

    def __init__(self, config: RankerConfig) -> None:
        super().__init__()
        self.config = config
        self.voice = VoiceTower(config.mels, config.voice_width)
        self.query, self.product = _fusion_network(config, self.voice.width), _fusion_network(config, self.voice.width)
        self.score = nn.Sequential(
            nn.Linear(3 * config.width + 4, config.width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.width, 1),
        )
        # Similarities go straight to the score, by which it begins as they order: little is learned from few judgments.
        self.near = nn.Linear(4, 1)
        nn.init.constant_(self.near.weight, _SLOPE)

    def forward(self, queries: RankerInputs, products: RankerInputs) -> Tensor:
        """Logits (n,) of n pairs; their sigmoid is the relevance from 0 to 1."""
        query, product = self._fused(self.query, queries), self._fused(self.product, products)
        similarities = [
            (query_part * product_part).sum(-1, keepdim=True)
            for query_part in (queries.text, queries.image)
            for product_part in (products.text, products.image)
        ]
        similar = torch.cat(similarities, dim=-1)
        return (self.score(torch.cat([query, product, query * product, similar], dim=-1)) + self.near(similar))[:, 0]

    def save(self, directory: Path) -> None:
        """Write weights and configuration; `load_ranker` loads the directory."""
        directory.mkdir(parents=True, exist_ok=True)
        document = {"model_type": MODEL_TYPE, **msgspec.to_builtins(self.config)}
        (directory / "config.json").write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items()}
        save_file(state, directory / WEIGHTS)

    def _fused(self, network: nn.Module, side: RankerInputs) -> Tensor:
        voice = self.voice(side.voice or [None] * len(side.text))
        parts = (side.text, side.image, voice)
        present = torch.stack([part.abs().sum(-1) > 0 for part in parts], dim=1)
        return network(torch.cat([*parts, present.to(voice.dtype)], dim=-1))


def load_ranker(directory: Path, device: torch.device | None = None) -> FusionRanker:
    """The ranker that `FusionRanker.save` wrote. Raises `ModelUnavailable` naming what does not fit."""
    path = directory / "config.json"
    try:
        document = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        if (kind := document.pop("model_type", None)) != MODEL_TYPE:
            raise ModelUnavailable(f"{directory} holds a model of type {kind!r}, no ranker ({MODEL_TYPE})")
        ranker = FusionRanker(msgspec.convert(document, RankerConfig))
        ranker.load_state_dict(load_file(directory / WEIGHTS))
    except ModelUnavailable:
        raise
    except Exception as error:
        raise ModelUnavailable(f"ranker in {directory} cannot be loaded: {type(error).__name__}: {error}") from error
    return ranker.eval().to(device or "cpu")


class VectorRanker:
    """A ranker behind the `Ranker` port: over query vectors and fused vectors as the index has them."""

    def __init__(self, ranker: FusionRanker, spec: EmbeddingSpec) -> None:
        """Args: spec: of the vectors. Raises `SpecMismatch` where the ranker was trained on others."""
        if (ranker.config.encoder, ranker.config.dim) != (spec.key, spec.dim):
            raise SpecMismatch(
                f"the ranker reads embeddings of {ranker.config.encoder}, the index has those of {spec.key}: "
                "train one for this encoder, or set query.ranker to nothing"
            )
        self._ranker = ranker
        self._dim = spec.dim

    @torch.inference_mode()
    def scores(self, query: FloatArray, products: FloatArray, voice: FloatArray | None = None) -> FloatArray:
        """Relevance (n,) float32 from 0 to 1 of products (n, 2·dim) for a query (2·dim,)."""
        count = len(products)
        queries = self._side(query[None], [voice]).select(torch.zeros(count, dtype=torch.int64))
        return torch.sigmoid(self._ranker(queries, self._side(products))).numpy()

    def _side(self, rows: FloatArray, voice: Sequence[FloatArray | None] = ()) -> RankerInputs:
        # The weights that a query's parts carry are the index's matter.
        halves = torch.from_numpy(rows.copy()).split(self._dim, dim=1)
        text, image = (nn.functional.normalize(half, dim=-1) for half in halves)
        return RankerInputs(text, image, voice)


def _fusion_network(config: RankerConfig, voice_width: int) -> nn.Module:
    parts = 2 * config.dim + voice_width + 3
    width = 2 * config.width
    return nn.Sequential(nn.Linear(parts, width), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(width, config.width))
