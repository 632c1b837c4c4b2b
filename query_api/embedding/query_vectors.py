"""From a request's text, picture, clip and product to one query vector."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from encoders.errors import InvalidImage, InvalidVideo, WorkerProcessUnavailable
from encoders.port import Encoder
from encoders.spec import (
    EmbeddingSpec,
    FloatArray,
    PartWeights,
    fused_query_vector,
    normalise_rows,
    pool_vectors,
    split_parts,
)
from indexer.ports import ProductStore
from query_api.config import QueryConfig
from query_api.contract.requests import MediaReference, Weights
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.text_trust import TextTrust
from query_api.errors import EncoderBusy, InvalidRequest, ProductNotFound
from query_api.ports import QueryPorts

PartKind = Literal["text", "image", "video", "product_id"]
VISUAL_KINDS: frozenset[PartKind] = frozenset(("image", "video"))
WeightedVector = tuple[float, FloatArray]
_MIN_RELATIVE_LENGTH = 1e-3
"""A sum that is so much shorter than its parts has no direction."""


@dataclass(frozen=True, slots=True)
class QueryPart:
    """One thing asked with: a text, a picture's or a clip's bytes, or a product's id."""

    kind: PartKind
    content: str | bytes
    weight: float = 1.0


class QueryEmbedder:
    """Embeds what callers ask with."""

    def __init__(self, services: QueryPorts, batcher: EncoderBatcher) -> None:
        self._encoder: Encoder = services.encoder
        self._store: ProductStore = services.store
        self._fetch_media = services.fetch_media
        self._deadline_s = services.config.encode_deadline_s
        self._clip_deadline_s = services.config.deadline_s
        self._batcher = batcher
        self._decoder = services.decoder
        self._media_decoder = services.media_decoder
        self.text_trust = TextTrust(services.store, batcher, services.config.text_trust)
        """Known while it runs."""

    async def load_media(self, media: bytes | MediaReference, field: str = "image") -> bytes:
        """The bytes of a request's picture, sound or clip. Raises `InvalidRequest` for a URL where fetching is off."""
        if isinstance(media, bytes):
            return media
        if media.url is None:
            return media.data or b""
        if self._fetch_media is None:
            raise InvalidRequest(f"{field}.url", f"{field}.url: this service fetches nothing; send the bytes as base64")
        return await self._fetch_media(media.url)

    async def embed(self, parts: Sequence[QueryPart], weights: PartWeights) -> FloatArray:
        """Query vector (2·dim,) of what is asked with, at least one thing.

        Raises:
            InvalidRequest: a picture cannot be decoded, there is no such product, or nothing is left of the sum.
            EncoderBusy: the encoder, or a decoder before it, was late.
        """
        halves = await asyncio.gather(*(self._embed_part(part) for part in parts))
        weighed = [[(part.weight, own[side]) for part, own in zip(parts, halves, strict=True)] for side in (0, 1)]
        texts, images = ([(weight, one) for weight, one in side if one is not None] for side in weighed)
        text, image = weighted_direction(texts, images), weighted_direction(images, texts)
        if not (np.any(text) or np.any(image)):
            raise InvalidRequest("parts", "parts: they cancel each other out, and nothing is left to look for")
        return fused_query_vector(self._encoder.spec, text, image, weights)

    async def _embed_part(self, part: QueryPart) -> tuple[FloatArray | None, FloatArray | None]:
        """The unit text and image embedding (dim,) of one thing asked with; it may lack one of them."""
        if isinstance(part.content, bytes):
            embed = self._embed_clip if part.kind == "video" else self._embed_picture
            return None, await embed(part.content)
        if part.kind == "text":
            return await self._batcher.encode(part.content), None
        try:
            text, image = await self.product_vectors(part.content)
        except ProductNotFound as error:
            raise InvalidRequest("product_id", f"product_id: {error}") from error
        return (text if np.any(text) else None), (image if np.any(image) else None)

    async def product_vectors(self, product_id: str) -> tuple[FloatArray, FloatArray]:
        """Unit text and image parts (dim,) of an indexed product; an absent one is zero. Raises `ProductNotFound`."""
        found = (await self._store.read([product_id])).get(product_id)
        if found is None or not np.any(found[1]):
            raise ProductNotFound(f"no searchable product has the id {product_id}")
        return split_parts(self._encoder.spec, found[1])

    async def _embed_picture(self, data: bytes) -> FloatArray:
        try:
            async with asyncio.timeout(self._deadline_s):
                (pixels,) = await self._decoder.decode([data])
        except TimeoutError as error:
            raise EncoderBusy(f"the picture was not decoded within {self._deadline_s:g} s") from error
        except WorkerProcessUnavailable as error:
            raise EncoderBusy(f"pictures cannot be decoded just now: {error}") from error
        if isinstance(pixels, InvalidImage):
            raise InvalidRequest("image", str(pixels)) from pixels
        return await self._batcher.encode(pixels)

    async def _embed_clip(self, data: bytes) -> FloatArray:
        """The mean of a clip's frames."""
        if self._media_decoder is None:
            raise InvalidRequest("video", "video: this service looks at no clips")
        try:
            async with asyncio.timeout(self._clip_deadline_s):
                frames = await self._media_decoder.frames(data)
        except TimeoutError as error:
            raise EncoderBusy(f"the clip was not decoded within {self._clip_deadline_s:g} s") from error
        except WorkerProcessUnavailable as error:
            raise EncoderBusy(f"clips cannot be decoded just now: {error}") from error
        if isinstance(frames, InvalidVideo):
            raise InvalidRequest("video", str(frames)) from frames
        rows = await asyncio.gather(*(self._batcher.encode(one) for one in frames))
        return pool_vectors(np.stack(rows), first_weight=1.0)


def part_weights(config: QueryConfig, own: Weights, kinds: Collection[PartKind]) -> PartWeights:
    """The weights of products' texts and pictures: the request's own, else those for its kinds of parts."""
    text, image = config.mixed_query_text, config.mixed_query_image
    has_picture = not VISUAL_KINDS.isdisjoint(kinds)
    if "product_id" not in kinds and not has_picture:
        text, image = config.text_query_text, config.text_query_image
    elif "product_id" not in kinds and "text" not in kinds:
        text, image = config.image_query_text, config.image_query_image
    return PartWeights(text if own.text is None else own.text, image if own.image is None else own.image)


def weighted_direction(own: Sequence[WeightedVector], other: Sequence[WeightedVector]) -> FloatArray:
    """Unit sum (dim,) of weighted unit embeddings (dim,), those to look away from subtracted; zero if nothing is left.

    What a query looks for in products' texts are its texts, or its pictures where it has none; and what it looks away
    from likewise, by itself. For products' pictures it is the other way round.
    Source: Rocchio, 1971, "Relevance feedback in information retrieval".
    """
    toward = [one for one in own if one[0] > 0] or [one for one in other if one[0] > 0]
    away = [one for one in own if one[0] < 0] or [one for one in other if one[0] < 0]
    weights = np.array([weight for weight, _ in (*toward, *away)], np.float32)
    total = weights @ np.stack([vector for _, vector in (*toward, *away)])
    # Of parts that are alike, an encoder's rounding is left, which points anywhere.
    left = np.linalg.norm(total) > _MIN_RELATIVE_LENGTH * np.abs(weights).sum()
    return normalise_rows(total[None])[0] if left else np.zeros_like(total)


def part_scores(spec: EmbeddingSpec, query: FloatArray, fused: FloatArray) -> tuple[float, float]:
    """What the text and the image part add to the inner product of a query vector with a product's (2·dim,)."""
    return float(query[: spec.dim] @ fused[: spec.dim]), float(query[spec.dim :] @ fused[spec.dim :])


def part_key(part: QueryPart) -> tuple[PartKind, str | bytes, float]:
    """The identity of a part in cache keys."""
    content = part.content
    hashed = hashlib.blake2b(content, digest_size=16).digest() if isinstance(content, bytes) else content
    return part.kind, hashed, part.weight
