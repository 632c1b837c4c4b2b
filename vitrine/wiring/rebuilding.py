"""A rebuild of the index: its encoder, stores and loaders of pictures, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from redis.asyncio import Redis

from encoders.processes.image_decoding import ImageDecoderPool
from encoders.processes.media_decoding import MediaDecoderProcess
from encoders.spec import EmbeddingSpec
from indexer.milvus.registry import Generation
from indexer.milvus.store import open_generation_store, open_store_to_read
from indexer.milvus.vector_types import FLOAT32
from streams.delivery.publisher import OutgoingMessage
from streams.kafka.producer import EventPublisher
from streams.media.fetching import MediaFetcher
from streams.media.pictures import PictureLoader
from streams.products.collaborators import PipelineModels
from streams.products.generation_copy import GenerationCopier
from vitrine.generations.rebuild import ProductCopy, RebuildParts
from vitrine.generations.switch import StartStandby, until_milvus_answers
from vitrine.media_stores import open_media_store
from vitrine.settings import Settings
from vitrine.wiring.encoding import IndexingEncoder, encoder_for_indexing
from vitrine.wiring.gate_services import open_gate_services
from vitrine.wiring.indexing_parts import embedding_cache


def rebuild_parts(settings: Settings, start_standby: StartStandby) -> RebuildParts:
    """What a rebuild works with, over the servers that the settings name."""
    return RebuildParts(
        read_spec=partial(_read_spec, settings),
        open_copy=partial(_open_copy, settings),
        open_services=partial(open_gate_services, settings),
        start_standby=start_standby,
    )


async def _read_spec(settings: Settings, encoder_name: str) -> EmbeddingSpec:
    """The vector space of an encoder. Raises `EncoderError` when it cannot be loaded."""
    async with encoder_for_indexing(settings, encoder_name) as encoder:
        return encoder.spec


@asynccontextmanager
async def _open_copy(
    settings: Settings, active: Generation, target: Generation, redis: Redis
) -> AsyncIterator[ProductCopy]:
    """The copy from one generation into another; waits while Milvus is away.

    Raises:
        EncoderError: the encoder cannot be loaded.
        KafkaUnavailable: Kafka does not answer.
    """
    async with AsyncExitStack() as resources:
        source = await until_milvus_answers(lambda: open_store_to_read(settings.milvus, active))
        resources.push_async_callback(source.close)
        encoder = await resources.enter_async_context(encoder_for_indexing(settings, target.encoder_name))
        store = await until_milvus_answers(
            lambda: open_generation_store(settings.milvus, encoder.spec, target, create=True)
        )
        resources.push_async_callback(store.close)
        pictures = await _open_pictures(settings, encoder, redis, resources)
        kafka = EventPublisher(settings.kafka)
        publisher = _EventForwarder(await resources.enter_async_context(kafka))
        keeps_vectors = _has_same_vectors(active, target)
        models = PipelineModels(encoder, pictures)
        copier = GenerationCopier(source, store, target.collection, models, publisher, keeps_vectors)
        counts = await until_milvus_answers(source.count)
        yield ProductCopy(copier, counts.searchable + counts.incomplete)


async def _open_pictures(
    settings: Settings, encoder: IndexingEncoder, redis: Redis, resources: AsyncExitStack
) -> PictureLoader:
    decoder = await resources.enter_async_context(ImageDecoderPool(encoder.preparer, settings.decoding, encoder.memory))
    media_decoder = await resources.enter_async_context(MediaDecoderProcess(encoder.preparer, settings.clips))
    fetcher = await resources.enter_async_context(MediaFetcher(settings.media))
    media_store = open_media_store(settings)
    cache = embedding_cache(settings, encoder.spec.key, redis)
    return PictureLoader(media_store, fetcher, decoder, cache, media_decoder)


def _has_same_vectors(active: Generation, target: Generation) -> bool:
    """Whether the stored vectors are those that the new generation needs."""
    # Numbers that were rounded come whole from the encoder alone.
    is_as_exact = active.vector_type in (FLOAT32, target.vector_type)
    return is_as_exact and (active.encoder, active.dim) == (target.encoder, target.dim)


class _EventForwarder:
    """`Publisher` over a producer of events."""

    def __init__(self, producer: EventPublisher) -> None:
        self._producer = producer

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish all. Raises `PublishFailed`."""
        await self._producer.publish_raw(messages)
