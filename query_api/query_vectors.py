"""From a request's text, picture and product to one query vector."""

from __future__ import annotations

import asyncio
import hashlib

import numpy as np

from encoders.errors import ChildUnavailable, InvalidImage
from encoders.port import Encoder
from encoders.spec import EmbeddingSpec, FloatArray, PartWeights, query_vector, split, unit
from indexer.ports import ProductStore
from query_api.batcher import EncoderBatcher
from query_api.config import QueryConfig
from query_api.errors import EncoderBusy, InvalidRequest, ProductNotFound
from query_api.requests import MediaReference, SearchRequest
from query_api.services import Services


class QueryVectors:
    """Embeds what callers ask with."""

    def __init__(self, services: Services, batcher: EncoderBatcher) -> None:
        self._encoder: Encoder = services.encoder
        self._store: ProductStore = services.store
        self._fetch = services.fetch_image
        self._deadline_s = services.config.encode_deadline_s
        self._batcher = batcher
        self._decoder = services.decoder

    async def picture(self, request: SearchRequest) -> bytes | None:
        """The bytes of the request's picture. Raises `InvalidRequest` for a URL where fetching is off."""
        if not isinstance(request.image, MediaReference) or request.image.url is None:
            return request.picture
        if self._fetch is None:
            raise InvalidRequest("image.url", "image.url: this service fetches no pictures; send the bytes as base64")
        return await self._fetch(request.image.url)

    async def embed(
        self, text: str | None, picture: bytes | None, product_id: str | None, weights: PartWeights
    ) -> FloatArray:
        """Query vector (2·dim,) of a text, a picture and a product, of which at least one is given.

        Raises:
            InvalidRequest: the picture cannot be decoded, or there is no such product.
            EncoderBusy: the encoder, or a decoder before it, was late.
        """
        product = await self.of_product(product_id) if product_id is not None else None
        embedded = await asyncio.gather(
            *([self._batcher.encode(text)] if text is not None else []),
            *([self._embed_picture(picture)] if picture is not None else []),
        )
        texts = [embedded[0]] if text is not None else []
        images = [embedded[-1]] if picture is not None else []
        if product is not None:
            texts, images = [*texts, *_present(product[0])], [*images, *_present(product[1])]
        return query_vector(self._encoder.spec, _mean(texts), _mean(images), weights)

    async def of_product(self, product_id: str) -> tuple[FloatArray, FloatArray]:
        """Unit text and image parts (dim,) of an indexed product; an absent one is zero. Raises `ProductNotFound`."""
        found = (await self._store.read([product_id])).get(product_id)
        if found is None or not np.any(found[1]):
            raise ProductNotFound(f"no searchable product has the id {product_id}")
        return split(self._encoder.spec, found[1])

    async def _embed_picture(self, data: bytes) -> FloatArray:
        try:
            async with asyncio.timeout(self._deadline_s):
                (pixels,) = await self._decoder.decode([data])
        except TimeoutError as error:
            raise EncoderBusy(f"the picture was not decoded within {self._deadline_s:g} s") from error
        except ChildUnavailable as error:
            raise EncoderBusy(f"pictures cannot be decoded just now: {error}") from error
        if isinstance(pixels, InvalidImage):
            raise InvalidRequest("image", str(pixels)) from pixels
        return await self._batcher.encode(pixels)


def part_weights(config: QueryConfig, request: SearchRequest) -> PartWeights:
    """The weights of products' texts and pictures: the request's own, else those for its kind of query."""
    text, image = config.mixed_query_text, config.mixed_query_image
    if request.product_id is None and request.image is None:
        text, image = config.text_query_text, config.text_query_image
    elif request.product_id is None and request.text is None:
        text, image = config.image_query_text, config.image_query_image
    own = request.weights
    return PartWeights(text if own.text is None else own.text, image if own.image is None else own.image)


def part_scores(spec: EmbeddingSpec, query: FloatArray, fused: FloatArray) -> tuple[float, float]:
    """What the text and the image part add to the inner product of a query vector with a product's (2·dim,)."""
    return float(query[: spec.dim] @ fused[: spec.dim]), float(query[spec.dim :] @ fused[spec.dim :])


def picture_hash(picture: bytes | None) -> bytes | None:
    """The identity of a query's picture in cache keys."""
    return None if picture is None else hashlib.blake2b(picture, digest_size=16).digest()


def _present(part: FloatArray) -> list[FloatArray]:
    return [part] if np.any(part) else []


def _mean(parts: list[FloatArray]) -> FloatArray | None:
    return unit(np.mean(parts, axis=0, keepdims=True))[0] if parts else None
