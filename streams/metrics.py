"""What the indexing worker counts and times, in Prometheus' terms."""

from collections.abc import Generator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from encoders.tracing.spans import NO_ATTRIBUTES, Attributes, Kind
from encoders.tracing.spans import stage as traced_stage
from streams.batch_histogram import BatchHistogram

_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

EVENTS = Counter("vitrine_events_total", "Events taken from Kafka", ["topic"])
DEAD_LETTERS = Counter("vitrine_dead_letters_total", "Events sent to the dead-letter topic", ["reason"])
PRODUCTS = Counter("vitrine_products_total", "Products handled, by what was done for each", ["change"])
ENCODED = Counter("vitrine_encoded_total", "Inputs that went through the encoder", ["modality"])
REUSED_EMBEDDINGS = Counter(
    "vitrine_reused_embeddings_total",
    "Embeddings that were not made again: unchanged in the product, remembered, or of content that a batch has twice",
    ["modality", "why"],
)
EMBEDDING_CACHE_LOOKUPS = Counter(
    "vitrine_remembered_embeddings_total",
    "Look-ups of embeddings by content, by whether they were remembered",
    ["modality", "outcome"],
)
DECODED_IMAGES = Counter("vitrine_decoded_images_total", "Pictures that were decoded")
DECODED_CLIPS = Counter("vitrine_decoded_clips_total", "Clips and sounds that were decoded", ["kind"])
FETCHES = Counter("vitrine_fetches_total", "Pictures asked of other servers, by what came of it", ["outcome"])
FETCHED_BYTES = Counter("vitrine_fetched_bytes_total", "Bytes of pictures that came from other servers")
BATCH_SIZE = Histogram("vitrine_batch_events", "Events in a batch", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512))
STAGE_SECONDS = Histogram("vitrine_stage_seconds", "Time a batch spends in a stage", ["stage"], buckets=_SECONDS)
BATCH_WAIT_SECONDS = BatchHistogram(
    "vitrine_event_to_batch_seconds",
    "From Kafka's timestamp of a product event to the start of its batch",
    [],
    _SECONDS,
)
FRESHNESS_SECONDS = BatchHistogram(
    "vitrine_event_to_searchable_seconds",
    "From the event's own time, or from Kafka's timestamp, to durable in the index",
    ["change", "since"],
    buckets=_SECONDS,
)
PICTURE_RETRIES = Counter("vitrine_picture_retries_total", "Products put on a delay line for unreachable pictures")
RETRIES = Counter("vitrine_retries_total", "Calls repeated because a server was not available", ["server"])
LATE_WRITES_REPAIRED = Counter(
    "vitrine_late_writes_repaired_total", "Rows that a late write had set back, written again"
)
WATCHED_ROWS = Gauge("vitrine_watched_rows", "Rows written of late that will be read again, in case of a late write")
UNACKNOWLEDGED = Gauge("vitrine_unacknowledged_events", "Events taken and not yet acknowledged")
SUGGESTIONS = Counter(
    "vitrine_suggestions_total", "Values suggested for open fields, by what became of them", ["outcome"]
)
DUPLICATES = Counter(
    "vitrine_near_duplicates_total", "Products that looked like one listed already when they were indexed"
)
LABELLING_FAILURES = Counter("vitrine_labelling_failures_total", "Products left without suggestions as a search failed")
CALIBRATED_PRODUCTS = Gauge("vitrine_label_calibration_products", "Products that confidences were measured on")
MEDIA_FILES = Gauge("vitrine_media_files", "Inline media that are kept, as of the last collection")
MEDIA_BYTES = Gauge("vitrine_media_bytes", "Bytes of inline media that are kept, as of the last collection")
MEDIA_COLLECTED = Counter("vitrine_media_collected_total", "Inline media removed, as no product shows them")
MEDIA_COLLECTED_BYTES = Counter("vitrine_media_collected_bytes_total", "Bytes of inline media removed")
MEDIA_COLLECTIONS = Counter(
    "vitrine_media_collections_total", "Collections of media, by what came of them", ["outcome"]
)


@contextmanager
def stage(name: str, kind: Kind = "internal", attributes: Attributes = NO_ATTRIBUTES) -> Generator[None]:
    """A batch is in a stage: it is timed, and a part of the batch's span."""
    with STAGE_SECONDS.labels(name).time(), traced_stage(name, kind, attributes):
        yield
