"""From a request's texts, pictures, clips and products to one query vector."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from encoders.spec import FloatArray, PartWeights, fused_query_vector, normalise_rows
from encoders.tracing.spans import traced
from indexer.memo import RecentValues, text_bytes
from query_api.config import QueryConfig
from query_api.contract.requests import Weights
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.product_vectors import ProductVectors
from query_api.embedding.visuals import VisualEmbedder
from query_api.errors import InvalidRequest, ProductNotFound

PartKind = Literal["text", "image", "video", "product_id"]
VISUAL_KINDS: frozenset[PartKind] = frozenset(("image", "video"))
WeightedVector = tuple[float, FloatArray]
_MIN_RELATIVE_LENGTH = 1e-3
"""A sum that is so much shorter than its parts has no direction."""


@dataclass(frozen=True, slots=True)
class QueryPart:
    """One thing to search with: a text, a picture's or a clip's bytes, or a product's id."""

    kind: PartKind
    content: str | bytes
    weight: float = 1.0


class QueryEmbedder:
    """Embeds query parts; the embeddings of texts that came lately are kept."""

    def __init__(
        self,
        batcher: EncoderBatcher,
        visuals: VisualEmbedder,
        products: ProductVectors,
        max_kept_bytes: int = 8 * 2**20,
    ) -> None:
        """Args: max_kept_bytes: what embeddings of texts may take in memory, with their texts."""
        self._batcher = batcher
        self._visuals = visuals
        self._products = products
        self._texts = RecentValues[str, FloatArray](max_kept_bytes)

    @traced("embed")
    async def embed(self, parts: Sequence[QueryPart], weights: PartWeights) -> FloatArray:
        """The query vector (2·dim,), float32, of at least one part.

        Args:
            parts: what to search with; those of negative weight are what to look away from.
            weights: of products' texts and pictures.

        Raises:
            InvalidRequest: a picture cannot be decoded, there is no such product, or nothing is left of the sum.
            EncoderBusy: the encoder, or a decoder before it, was late.
            StoreUnavailable: a part is a product, and the product store does not answer.
        """
        halves = await asyncio.gather(*(self._embed_part(part) for part in parts))
        weighed = [[(part.weight, half[side]) for part, half in zip(parts, halves, strict=True)] for side in (0, 1)]
        texts, images = ([(weight, row) for weight, row in side if row is not None] for side in weighed)
        text, image = weighted_direction(texts, images), weighted_direction(images, texts)
        if not (np.any(text) or np.any(image)):
            raise InvalidRequest("parts", "parts: they cancel each other out, and nothing is left to look for")
        return fused_query_vector(self._batcher.spec, text, image, weights)

    async def _embed_part(self, part: QueryPart) -> tuple[FloatArray | None, FloatArray | None]:
        """The unit text and image embedding (dim,) of a part; it may lack one of them."""
        if isinstance(part.content, bytes):
            embed = self._visuals.embed_clip if part.kind == "video" else self._visuals.embed_picture
            return None, await embed(part.content)
        if part.kind == "text":
            return await self._embed_text(part.content), None
        try:
            text, image = await self._products.parts_of(part.content)
        except ProductNotFound as error:
            raise InvalidRequest("product_id", f"product_id: {error}") from error
        return (text if np.any(text) else None), (image if np.any(image) else None)

    async def _embed_text(self, text: str) -> FloatArray:
        known = self._texts.get(text)
        if known is None:
            # A copy, as what comes back is a row of its whole batch.
            known = (await self._batcher.encode(text)).copy()
            self._texts.put(text, known, text_bytes(text) + known.nbytes)
        return known


def part_weights(config: QueryConfig, own: Weights, kinds: Collection[PartKind]) -> PartWeights:
    """The weights of products' texts and pictures: the request's own, else those configured for its kinds of parts."""
    text, image = config.mixed_query_text, config.mixed_query_image
    has_picture = not VISUAL_KINDS.isdisjoint(kinds)
    if "product_id" not in kinds and not has_picture:
        text, image = config.text_query_text, config.text_query_image
    elif "product_id" not in kinds and "text" not in kinds:
        text, image = config.image_query_text, config.image_query_image
    return PartWeights(text if own.text is None else own.text, image if own.image is None else own.image)


def weighted_direction(own: Sequence[WeightedVector], other: Sequence[WeightedVector]) -> FloatArray:
    """Unit sum (dim,) of weighted unit embeddings, those to look away from subtracted; zero if nothing is left.

    What a query looks for in products' texts are its texts, or its pictures where it has none; and what it looks away
    from likewise, by itself. For products' pictures it is the other way round.
    Source: Rocchio, 1971, "Relevance feedback in information retrieval".

    Args:
        own: weights and unit embeddings (dim,) of the query's parts of this kind.
        other: those of its parts of the other kind.
    """
    toward = [pair for pair in own if pair[0] > 0] or [pair for pair in other if pair[0] > 0]
    away = [pair for pair in own if pair[0] < 0] or [pair for pair in other if pair[0] < 0]
    weights = np.array([weight for weight, _ in (*toward, *away)], np.float32)
    total = weights @ np.stack([vector for _, vector in (*toward, *away)])
    # Of parts that are alike, an encoder's rounding is left, which points anywhere.
    left = np.linalg.norm(total) > _MIN_RELATIVE_LENGTH * np.abs(weights).sum()
    return normalise_rows(total[None])[0] if left else np.zeros_like(total)


def part_key(part: QueryPart) -> tuple[PartKind, str | bytes, float]:
    """The identity of a part in cache keys: its kind, its text or a digest of its bytes, its weight."""
    content = part.content
    hashed = hashlib.blake2b(content, digest_size=16).digest() if isinstance(content, bytes) else content
    return part.kind, hashed, part.weight
