"""Settings of the Kafka edge and of the indexing worker."""

from __future__ import annotations

import re
from dataclasses import dataclass

from indexer.labels.near_duplicates import PICTURE_SIMILARITY
from indexer.milvus.registry import FIRST_GENERATION


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """Which Kafka, and how the consumer group behaves."""

    bootstrap_servers: str = ""
    """`host:port,…`; empty: the embedded broker."""
    partitions: int = 6
    """Of each topic that is created; existing topics keep theirs."""
    replication_factor: int = 1
    session_timeout_s: float = 10.0
    """How long a silent worker keeps its partitions."""
    heartbeat_s: float = 2.0
    commit_interval_s: float = 0.25
    """How often acknowledged offsets are committed; also how exact lag and index age are."""
    deadline_s: float = 10.0
    """The longest that a message may take to be published."""

    def __post_init__(self) -> None:
        if min(self.partitions, self.replication_factor) < 1:
            raise ValueError("kafka.partitions and kafka.replication_factor must be at least 1")
        if not 0 < self.heartbeat_s < self.session_timeout_s / 2:
            raise ValueError("kafka.heartbeat_s must be positive and less than half of kafka.session_timeout_s")
        if min(self.commit_interval_s, self.deadline_s) <= 0:
            raise ValueError("kafka.commit_interval_s and kafka.deadline_s must be positive")


@dataclass(frozen=True, slots=True)
class LabellingConfig:
    """What is found out about products by comparing them with those in the index. Off: each comparison is a search."""

    fields: tuple[str, ...] = ()
    """Fields to be suggested where a merchant leaves them open: `category`, `brand`, `attributes.NAME`, or
    `attributes` for all of them."""
    suggest_above: float = 0.5
    """The least confidence of a suggestion."""
    accept_above: float = 1.0
    """From this confidence on a suggestion filters and counts in facets, as if it were stated; 1: none does."""
    duplicates: bool = False
    """Whether products that look like one listed already are flagged."""
    picture_similarity: float = PICTURE_SIMILARITY
    """The least cosine of pictures that are the same but for cropping and compression; encoders differ in it."""

    borrow_texts: bool = False
    """Whether a product with pictures and no text is found by words through the texts of products that look like it."""

    @property
    def is_on(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.fields) or self.duplicates or self.borrow_texts

    def __post_init__(self) -> None:
        known = re.compile(r"category|brand|attributes(\..+)?")
        if unknown := [field for field in self.fields if not known.fullmatch(field)]:
            raise ValueError(
                f"labelling.fields has {', '.join(unknown)}; it takes category, brand, attributes, attributes.NAME"
            )
        if not 0 < self.suggest_above <= self.accept_above <= 1:
            raise ValueError("labelling needs 0 < suggest_above <= accept_above <= 1")
        if not 0 < self.picture_similarity <= 1:
            raise ValueError("labelling.picture_similarity must be above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class IndexingConfig:
    """How an indexing worker batches, and how it stops."""

    group: str = "vitrine-indexer"
    workers: int = 1
    """How many indexing workers `vitrine up` starts."""
    batch_events: int = 256
    """The largest batch, reached under lag only: a batch is what has come while those before it were under way."""
    batch_bytes: int = 16 * 2**20
    overlap_events: int = 64
    """So many events are worth a batch of their own beside those under way."""
    linger_s: float = 0.25
    """How long the first of fewer events waits for the batches under way to end."""
    quiet_linger_s: float = 0.005
    """How long the first event of a batch waits for company when no batch is under way."""
    user_linger_s: float = 0.02
    """How long a shopper's event waits for company: a call to Redis costs as much as many events in it."""
    in_flight: int = 3
    """Batches under way at once: one is loaded while another is encoded and a third is written."""
    drain_s: float = 10.0
    """How long a worker that stops, or gives partitions away, may take to finish its batches."""
    remembered_pictures: int = 100_000
    """Pictures whose embeddings are kept in Redis by the hash of their files, some 0.7 KB each with `mini`."""
    late_write_s: float = 60.0
    """How long after its deadline a write may still land, on a bad network; rows are checked once that is over."""
    horizon_days: float = 30.0
    """Events older than this cannot be ordered against tombstones and are dead letters."""
    health_host: str = "127.0.0.1"
    health_port: int = 0
    """Where /healthz, /readyz and /metrics are served; 0: a free port."""

    def group_of(self, generation: str) -> str:
        """The consumer group of a generation's workers: each generation consumes the events for itself."""
        return self.group if generation == FIRST_GENERATION else f"{self.group}.{generation}"

    def __post_init__(self) -> None:
        counts = ("workers", "batch_events", "batch_bytes", "overlap_events", "in_flight", "remembered_pictures")
        if low := [f"indexing.{name}" for name in counts if getattr(self, name) < 1]:
            raise ValueError(f"{' and '.join(low)} must be at least 1")
        times = ("linger_s", "quiet_linger_s", "user_linger_s", "drain_s", "late_write_s")
        if low := [f"indexing.{name}" for name in times if getattr(self, name) < 0]:
            raise ValueError(f"{' and '.join(low)} must be at least 0")
        if self.horizon_days <= 0:
            raise ValueError("indexing.horizon_days must be above 0")
