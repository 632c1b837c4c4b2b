"""What the product pipeline works with."""

from __future__ import annotations

from dataclasses import dataclass

from encoders.port import AsyncEncoder
from indexer.ports.products import ProductStore
from indexer.ports.profiles import PersonKeys
from streams.delivery.decoding import Horizon
from streams.delivery.lease import WriteLease
from streams.delivery.messages import PrefixAcknowledger
from streams.delivery.publisher import Publisher
from streams.labels.labelling import Labeller
from streams.media.incoming import IncomingMedia
from streams.media.pictures import PictureLoader
from streams.media.transcription import AudioTranscriber
from streams.products.change_events import ChangeLogWriter


@dataclass(frozen=True, slots=True)
class PipelineDelivery:
    """A worker's side of Kafka, beside the batches that it is given."""

    publisher: Publisher
    acknowledger: PrefixAcknowledger
    lease: WriteLease
    horizon: Horizon
    tombstones_delete: bool = True
    """Whether a null value deletes the product of the key."""


@dataclass(frozen=True, slots=True)
class PipelineStores:
    """Where the effect of a batch is kept."""

    products: ProductStore
    media: IncomingMedia
    change_log: ChangeLogWriter
    """Tells the query workers what to drop of theirs."""
    person_keys: PersonKeys
    """Of the people whom a message names that was published where it does not belong."""
    late_write_s: float
    """How long after it was given up a write may still land."""


@dataclass(frozen=True, slots=True)
class PipelineModels:
    """What makes vectors, texts and labels of products' content."""

    encoder: AsyncEncoder
    pictures: PictureLoader
    transcriber: AudioTranscriber | None = None
    """None: sounds are left alone."""
    labeller: Labeller | None = None
    """None: products are not compared with others."""
