"""Settings of the Kafka edge and of the indexing worker."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from indexer.labels.near_duplicates import PICTURE_SIMILARITY
from indexer.milvus.registry import FIRST_GENERATION

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]

_SECRET = {"secret": True}
_FILE = {"file": True}
"""Of settings that name a file: the workers that `vitrine up` starts run in another directory, and get it absolute."""


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """Which Kafka, who this is to it, and how the consumer group behaves."""

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
    tombstones_delete: bool = True
    """Whether a null value with a product's key deletes the product; false: such a message is a dead letter."""
    security_protocol: SecurityProtocol = "PLAINTEXT"
    """`SSL` and `SASL_SSL` are encrypted; `SASL_PLAINTEXT` and `SASL_SSL` log in by `sasl_mechanism`, `SSL` by a
    client certificate, where the broker asks for one."""
    sasl_mechanism: SaslMechanism = ""
    """`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`."""
    sasl_username: str = ""
    """Of `PLAIN` and `SCRAM`; managed clusters call it the API key, or the service user."""
    sasl_password: str = field(default="", repr=False, metadata=_SECRET)
    sasl_password_file: str = field(default="", metadata=_FILE)
    """Instead of `sasl_password`: read for each new connection, so that a mounted secret may change."""
    sasl_oauth_token_url: str = ""
    """Where `OAUTHBEARER` gets its tokens, by the grant of client credentials."""
    sasl_oauth_client_id: str = ""
    sasl_oauth_client_secret: str = field(default="", repr=False, metadata=_SECRET)
    sasl_oauth_client_secret_file: str = field(default="", metadata=_FILE)
    """Instead of `sasl_oauth_client_secret`: read for each token."""
    sasl_oauth_scope: str = ""
    """What is asked for, separated by blanks; empty: what the token endpoint gives by itself."""
    sasl_oauth_extensions: tuple[str, ...] = ()
    """`NAME=VALUE`, sent to brokers with a token: Confluent Cloud wants `logicalCluster` and `identityPoolId`."""
    sasl_oauth_cafile: str = field(default="", metadata=_FILE)
    """The authorities (PEM) that may vouch for the token endpoint; empty: those that the system trusts."""
    ssl_cafile: str = field(default="", metadata=_FILE)
    """The authorities (PEM) that may vouch for brokers; empty: those that the system trusts."""
    ssl_certfile: str = field(default="", metadata=_FILE)
    """This client's certificate (PEM) and those between it and its authority, where brokers ask for one."""
    ssl_keyfile: str = field(default="", metadata=_FILE)
    """Its private key (PEM); empty: in `ssl_certfile`."""
    ssl_password: str = field(default="", repr=False, metadata=_SECRET)
    """Of an encrypted private key."""
    ssl_password_file: str = field(default="", metadata=_FILE)
    """Instead of `ssl_password`."""
    ssl_check_hostname: bool = True
    """Whether a broker's certificate must name the host that was connected to."""

    @property
    def uses_tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security_protocol.endswith("SSL")

    @property
    def uses_sasl(self) -> bool:
        """Whether connections log in by a SASL mechanism."""
        return self.security_protocol.startswith("SASL")

    def __post_init__(self) -> None:
        faults = [*_group_faults(self), *_sasl_faults(self), *_oauth_faults(self), *_tls_faults(self)]
        if self.security_protocol != "PLAINTEXT" and not self.bootstrap_servers:
            faults.append(
                f"kafka.security_protocol = {self.security_protocol} needs kafka.bootstrap_servers: the embedded "
                "broker takes plain connections of this machine alone"
            )
        if faults:
            raise ValueError("; ".join(faults))


def _group_faults(kafka: KafkaConfig) -> list[str]:
    faults: list[str] = []
    if min(kafka.partitions, kafka.replication_factor) < 1:
        faults.append("kafka.partitions and kafka.replication_factor must be at least 1")
    if not 0 < kafka.heartbeat_s < kafka.session_timeout_s / 2:
        faults.append("kafka.heartbeat_s must be positive and less than half of kafka.session_timeout_s")
    if min(kafka.commit_interval_s, kafka.deadline_s) <= 0:
        faults.append("kafka.commit_interval_s and kafka.deadline_s must be positive")
    return faults


def _sasl_faults(kafka: KafkaConfig) -> list[str]:
    mechanism = kafka.sasl_mechanism
    if kafka.uses_sasl != bool(mechanism):
        if mechanism:
            return [f"kafka.sasl_mechanism = {mechanism} needs kafka.security_protocol = SASL_SSL or SASL_PLAINTEXT"]
        return [
            f"kafka.security_protocol = {kafka.security_protocol} needs kafka.sasl_mechanism: PLAIN, SCRAM-SHA-256, "
            "SCRAM-SHA-512 or OAUTHBEARER"
        ]
    names = ("sasl_username", "sasl_password", "sasl_password_file")
    if mechanism in ("", "OAUTHBEARER"):
        return _out_of_place(kafka, names, "kafka.sasl_mechanism = PLAIN or SCRAM-SHA-…")
    return _missing(kafka, ("sasl_username",), mechanism) + _one_of(kafka, "sasl_password", mechanism)


def _oauth_faults(kafka: KafkaConfig) -> list[str]:
    needed = ("sasl_oauth_token_url", "sasl_oauth_client_id")
    others = ("client_secret", "client_secret_file", "scope", "extensions", "cafile")
    if kafka.sasl_mechanism != "OAUTHBEARER":
        names = (*needed, *(f"sasl_oauth_{name}" for name in others))
        return _out_of_place(kafka, names, "kafka.sasl_mechanism = OAUTHBEARER")
    faults = _missing(kafka, needed, "OAUTHBEARER") + _one_of(kafka, "sasl_oauth_client_secret", "OAUTHBEARER")
    if kafka.sasl_oauth_token_url and not kafka.sasl_oauth_token_url.startswith(("https://", "http://")):
        faults.append("kafka.sasl_oauth_token_url must begin with https:// (or http://)")
    if any(not re.fullmatch(r"[A-Za-z]+=[^=]+", extension) for extension in kafka.sasl_oauth_extensions):
        faults.append("kafka.sasl_oauth_extensions takes NAME=VALUE, with a NAME of letters")
    return faults


def _tls_faults(kafka: KafkaConfig) -> list[str]:
    names = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password", "ssl_password_file")
    if not kafka.uses_tls:
        faults = _out_of_place(kafka, names, "kafka.security_protocol = SSL or SASL_SSL")
        unchecked = [] if kafka.ssl_check_hostname else ["kafka.ssl_check_hostname = false needs SSL or SASL_SSL"]
        return faults + unchecked
    faults = [] if kafka.ssl_certfile else _out_of_place(kafka, names[2:], "kafka.ssl_certfile")
    if kafka.ssl_password and kafka.ssl_password_file:
        faults.append("kafka.ssl_password and kafka.ssl_password_file: set one of them")
    return faults


def _out_of_place(kafka: KafkaConfig, names: tuple[str, ...], needed: str) -> list[str]:
    """A fault where settings are there that mean nothing without another one."""
    there = [f"kafka.{name}" for name in names if getattr(kafka, name)]
    return [f"{', '.join(there)} {'need' if len(there) > 1 else 'needs'} {needed}"] if there else []


def _missing(kafka: KafkaConfig, names: tuple[str, ...], mechanism: str) -> list[str]:
    return [f"kafka.sasl_mechanism = {mechanism} needs kafka.{name}" for name in names if not getattr(kafka, name)]


def _one_of(kafka: KafkaConfig, name: str, mechanism: str) -> list[str]:
    """A fault unless a secret is given either by itself or by its file."""
    there = bool(getattr(kafka, name)) + bool(getattr(kafka, f"{name}_file"))
    wanted = f"kafka.{name} or kafka.{name}_file"
    return [] if there == 1 else [f"kafka.sasl_mechanism = {mechanism} needs {'just one of ' * (there > 1)}{wanted}"]


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
