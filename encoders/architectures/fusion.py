"""Ways to make one vector of a product's text and pictures, either of which may be missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.architectures.config import FusionConfig


@dataclass(frozen=True)
class ProductParts:
    """What is known of n products; rows of what a product lacks are zero."""

    text: Tensor
    """(n, dim) projected texts."""
    image: Tensor
    """(n, dim) projected pictures, several of a product pooled."""
    has_text: Tensor
    """(n,) bool."""
    has_image: Tensor
    """(n,) bool."""
    words: Tensor
    """(n, length, dim) projected words; of no length where the fusion looks at wholes alone."""
    word_mask: Tensor
    """(n, length) bool."""
    regions: Tensor
    """(n, count, dim) projected regions of all pictures."""
    region_mask: Tensor
    """(n, count) bool."""


class WeightedSumFusion(nn.Module):
    """`F = αI + (1 − α)T` over unit vectors; a modality that is missing leaves its weight to the other.

    Source: Kittler et al., "On Combining Classifiers", 1998 (sum rule); α learned by descent.
    """

    needs_sequences: Final = False

    def __init__(self, share: float, learned: bool) -> None:
        super().__init__()
        logit = torch.tensor(math.log(share / (1 - share)))
        self.logit = nn.Parameter(logit, requires_grad=learned)

    def forward(self, parts: ProductParts) -> Tensor:
        """→ (n, dim)."""
        share = torch.sigmoid(self.logit)
        image, text = (functional.normalize(vectors, dim=-1) for vectors in (parts.image, parts.text))
        # What is missing is a zero row: a sum that is made unit afterwards needs no other weights.
        return share * image + (1 - share) * text


class SumFusion(nn.Module):
    """`F = I + T` over vectors of any length, so that a tower can say by length how sure it is."""

    needs_sequences: Final = False

    def forward(self, parts: ProductParts) -> Tensor:
        """→ (n, dim)."""
        return parts.image + parts.text


class ConcatenationFusion(nn.Module):
    """`F = ReLU(W[I; T] + b)`; a learned vector stands for what is missing.

    Source: Ngiam et al., "Multimodal Deep Learning", 2011.
    """

    needs_sequences: Final = False

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.absent = MissingModality(dim)
        self.layer = nn.Linear(2 * dim, dim)

    def forward(self, parts: ProductParts) -> Tensor:
        """→ (n, dim), no entry below 0."""
        return torch.relu(self.layer(torch.cat(self.absent(parts), dim=-1)))


class MlpFusion(nn.Module):
    """Two layers over `[I; T]` added to `I + T`: what the modalities say together is learned on top of their sum.

    Source: Ngiam et al., 2011; He et al., 2015 (the residual way past).
    """

    needs_sequences: Final = False

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.absent = MissingModality(dim)
        self.layers = nn.Sequential(nn.Linear(2 * dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))

    def forward(self, parts: ProductParts) -> Tensor:
        """→ (n, dim)."""
        return parts.image + parts.text + self.layers(torch.cat(self.absent(parts), dim=-1))


class AttentionMatchingFusion(nn.Module):
    """The text is matched with each region; softmax scores weigh the regions, whose sum joins the text.

    Without a text a learned vector asks in its place, without a picture the text stands alone.
    Source: Lee et al., "Stacked Cross Attention for Image-Text Matching", 2018, with the scaled dot product of Vaswani
    et al., "Attention Is All You Need", 2017.
    """

    needs_sequences: Final = True

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.absent = nn.Parameter(torch.randn(dim) / math.sqrt(dim))
        self.asks, self.answers, self.tells = (nn.Linear(dim, dim, bias=False) for _ in range(3))

    def forward(self, parts: ProductParts) -> Tensor:
        """→ (n, dim)."""
        scores = self.scores(parts)[..., None]
        attended = (scores * self.tells(parts.regions)).sum(1)
        return parts.text + parts.image + attended

    def scores(self, parts: ProductParts) -> Tensor:
        """How well each region matches the text → (n, count), summing to 1 where there is a picture, else 0."""
        asking = torch.where(parts.has_text[:, None], parts.text, self.absent)
        logits = (self.answers(parts.regions) @ self.asks(asking)[..., None])[..., 0] / math.sqrt(asking.shape[-1])
        return masked_softmax(logits, parts.region_mask)


class GatedFusion(nn.Module):
    """`F = g_I·I + g_T·T`, gates from a softmax over what the vectors themselves tell of their reliability.

    A missing modality has the gate 0. Source: Arevalo et al., "Gated Multimodal Units for Information Fusion", 2017.
    """

    needs_sequences: Final = False

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.reliability = nn.Sequential(nn.Linear(2 * dim + 4, dim), nn.ReLU(), nn.Linear(dim, 2))

    def forward(self, parts: ProductParts) -> Tensor:
        """→ (n, dim)."""
        gates = self.gates(parts)
        units = torch.stack([functional.normalize(vectors, dim=-1) for vectors in (parts.image, parts.text)], dim=1)
        return (gates[..., None] * units).sum(1)

    def gates(self, parts: ProductParts) -> Tensor:
        """Weights of picture and text → (n, 2), summing to 1 where there is either."""
        sides = (parts.image, parts.text)
        presence = torch.stack([parts.has_image, parts.has_text], dim=1)
        units = [functional.normalize(side, dim=-1) for side in sides]
        lengths = [torch.log1p(side.norm(dim=-1, keepdim=True)) for side in sides]
        logits = self.reliability(torch.cat([*units, *lengths, presence.to(parts.text.dtype)], dim=-1))
        return masked_softmax(logits, presence)


class EarlyAttentionFusion(nn.Module):
    """Words and regions in one sequence through transformer layers, so that each attends to all of the other side.

    What a mark for the whole gathered is added to the sum of the parts. Source: Kim et al., "ViLT", 2021; Chen et al.,
    "UNITER", 2020.
    """

    needs_sequences: Final = True

    def __init__(self, dim: int, layers: int, heads: int) -> None:
        super().__init__()
        self.whole = nn.Parameter(torch.randn(dim) * 0.02)
        self.kinds = nn.Parameter(torch.randn(2, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(self, parts: ProductParts) -> Tensor:
        """→ (n, dim)."""
        mark = self.whole.expand(len(parts.text), 1, -1)
        row = torch.cat([mark, parts.words + self.kinds[0], parts.regions + self.kinds[1]], dim=1)
        kept = torch.cat([torch.ones_like(parts.has_text)[:, None], parts.word_mask, parts.region_mask], dim=1)
        outputs = self.layers(row, src_key_padding_mask=~kept)
        return parts.text + parts.image + self.out(outputs[:, 0])


class MissingModality(nn.Module):
    """Learned vectors in the place of a missing picture or text."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.image, self.text = (nn.Parameter(torch.randn(dim) / math.sqrt(dim)) for _ in range(2))

    def forward(self, parts: ProductParts) -> tuple[Tensor, Tensor]:
        """Pictures and texts (n, dim) with nothing missing."""
        image = torch.where(parts.has_image[:, None], parts.image, self.image)
        return image, torch.where(parts.has_text[:, None], parts.text, self.text)


AnyFusion = (
    WeightedSumFusion
    | SumFusion
    | ConcatenationFusion
    | MlpFusion
    | AttentionMatchingFusion
    | GatedFusion
    | EarlyAttentionFusion
)


def build_fusion(config: FusionConfig) -> AnyFusion:
    """The fusion that a configuration names; `late` is of the weights by which parts are compared one by one."""
    dim = config.dim
    match config.fusion:
        case "sum":
            return SumFusion()
        case "mean":
            return WeightedSumFusion(0.5, learned=False)
        case "concat":
            return ConcatenationFusion(dim)
        case "mlp":
            return MlpFusion(dim)
        case "attention":
            return AttentionMatchingFusion(dim)
        case "gated":
            return GatedFusion(dim)
        case "early":
            return EarlyAttentionFusion(dim, config.layers, config.heads)
        case "weighted" | "learned" | "late":
            return WeightedSumFusion(config.image_share, learned=config.fusion == "learned")


def masked_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the entries (n, count) that the mask keeps; all 0 where it keeps none."""
    if not logits.shape[1]:
        return logits
    scores = torch.softmax(logits.masked_fill(~mask, torch.finfo(logits.dtype).min), dim=1)
    return scores * mask
