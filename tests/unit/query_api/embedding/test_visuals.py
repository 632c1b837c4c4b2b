"""Pictures to search with are embedded by the views that the encoder asks for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from encoders.media.preparation import FixedSizePreparer
from encoders.port import HashEncoder
from encoders.processes.image_decoding import InProcessImageDecoder
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.visuals import VisualDecoders, VisualEmbedder
from tests.shop import png


async def test_a_picture_is_the_mean_of_its_views() -> None:
    encoder = HashEncoder()
    encoder.preparer = FixedSizePreparer(size=(8, 8), query_views=(1.0, 0.5))
    picture = png("red", "green", "blue", "black")
    (pixels,) = await InProcessImageDecoder(encoder.preparer).decode([picture])
    with ThreadPoolExecutor(1) as thread:
        batcher = EncoderBatcher(encoder, thread)
        decoders = VisualDecoders(InProcessImageDecoder(encoder.preparer), None)
        embedding = await VisualEmbedder(decoders, batcher).embed_picture(picture)
        await batcher.aclose()
    assert isinstance(pixels, np.ndarray)
    views = encoder.encode_images(encoder.preparer.views(pixels)).sum(axis=0)
    assert np.allclose(embedding, views / np.linalg.norm(views), atol=1e-6)
