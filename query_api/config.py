"""The query worker's settings."""

from __future__ import annotations

from dataclasses import dataclass, fields

from query_api.access_config import AccessConfig

MAX_PROCESSES = 64


@dataclass(frozen=True, slots=True)
class QueryConfig(AccessConfig):
    """Settings of the query worker. A request's own weights go before those here; each part's score is in [-1, 1]."""

    host: str = "127.0.0.1"
    port: int = 8080
    """0: any free one."""
    processes: int = 1
    """How many processes serve it: each has the encoder in memory, and answers on a core of its own. The limits below
    are each one's."""
    cache_ttl_s: float = 60.0
    """How long candidates are kept; 0 turns the cache off. Changes of the index show at once, whatever this says."""
    cache_memory_bytes: int = 64 * 2**20
    """What each query worker keeps of cached candidates and finished answers in its memory; more are in Redis alone."""
    cache_entry_bytes: int = 2 * 2**20
    """Larger candidate sets are not cached."""
    cache_repair_products: int = 256
    """With more changed products than this, a cached entry is searched anew instead of refreshed."""
    card_table_bytes: int = 128 * 2**20
    """What each process may take to keep what hits show of products, so that not every answer reads it anew."""
    redis_deadline_s: float = 0.1
    """The longest that a query waits for each answer of Redis before it does without."""
    candidates: int = 1_000
    """How many products each of dense and lexical search contributes, at most 1,000."""
    browse_candidates: int = 10_000
    """How many products are looked at when there is no query, or when what matches one is sorted by a number, at most
    10,000."""
    text_query_text: float = 0.3
    """A text query's weight on products' texts."""
    text_query_image: float = 0.1
    """A text query's weight on products' pictures."""
    image_query_text: float = 0.0
    image_query_image: float = 1.0
    mixed_query_text: float = 0.5
    """Queries with text and picture, and those by product."""
    mixed_query_image: float = 0.5
    lexical: float = 0.6
    text_trust: bool = True
    """Whether a text query's weights on texts and pictures count only as far as the encoder is found to understand the
    catalogue's texts; those that a request names count wholly."""
    floor: float = 1.0
    """What a product has to reach to match a query, as a multiple of what is learnt from the index; 0: every candidate
    matches."""
    personal: float = 0.5
    explored: int = 0
    """How many of each ten recommendations of `for_you`, at most 5, are products that are too new to be known; 0: as
    many as come by themselves."""
    ranker: str = ""
    """A directory of a fusion ranker, which scores the best candidates once more; empty: none."""
    ranker_candidates: int = 100
    """How many of the best candidates it scores, at most 1,000."""
    ranker_weight: float = 0.1
    """What its relevance, from 0 to 1, adds to their scores."""
    learnt_ranker: str = ""
    """A directory of a ranker that `vitrine train ranker` made of what shoppers chose; empty: none."""
    learnt_ranker_candidates: int = 200
    """How many of the best candidates it orders, at most 1,000."""
    experiment: str = ""
    """A file of JSON with variants of the ranking, each for a share of the shoppers; empty: all have the same."""
    impressions: float = 1.0
    """Share of the answers whose hits are remembered for a day, to learn from what is chosen of them; 0: none."""
    impressions_kept: int = 200_000
    """How many of them are kept that name nobody, each some 0.5 KB; of a person the last 50 are."""
    synonyms: str = ""
    """A file of synonyms in Solr's format, read anew when it changes; empty: none."""
    media_max_age_s: int = 86_400
    """How long browsers and caches may show a picture, clip or sound without asking: so long copies may outlive it."""
    text_embeddings_bytes: int = 8 * 2**20
    """What embeddings of the last texts that were searched with take in memory, so that they are not encoded again."""
    encode_batch: int = 32
    """How many queries go through the encoder together."""
    encode_waiting: int = 256
    """How many may wait for it; more are answered 503."""
    encode_deadline_s: float = 5.0
    deadline_s: float = 10.0
    """The longest that a query may take; a later one is answered 503."""
    max_body_bytes: int = 21 * 2**20
    """A picture of 20 MB, as phones of 50 megapixels take them, in a form; in JSON, base64 makes it a third more."""
    body_deadline_s: float = 30.0
    """The longest that a request's body may take to arrive."""
    body_bytes_per_s: float = 1_024.0
    """The least rate of a body, once it has been coming for 5 s; a slower one is answered 408."""
    body_memory_bytes: int = 48 * 2**20
    """What the bodies of all requests under way may take together; beyond it, the one that has been coming longest is
    answered 503, or the new one where none has been coming for a second. Reading and decoding them takes up to three
    times as much."""
    max_connections: int = 1_000
    """With more, the one that has kept the worker waiting longest gives way; where none does, the new one gets 503."""
    max_connections_per_address: int = 0
    """The same for each address (for IPv6 each /64), which gets 503 beyond it; 0: as many as there are, as behind a
    proxy all come from one."""
    max_requests: int = 512
    """How many requests are answered at a time; more get 503. Health, readiness and metrics do not count."""
    concurrency: int = 0
    """How many searches are worked on at a time, and as many with something to decode; half as many wait, and more get
    503. 0: as many as do not slow each other down, as is found out."""
    header_deadline_s: float = 10.0
    """The longest that a request's headers may take to arrive, or a new connection may say nothing."""
    keep_alive_s: float = 65.0
    """How long a connection may be idle between requests: a little longer than load balancers keep theirs."""
    write_deadline_s: float = 30.0
    """How long a client may take no more of an answer that waits for it."""
    max_header_bytes: int = 64 * 2**10
    """What a request's headers may take, the address included, which may take half of it."""

    def __post_init__(self) -> None:
        numbers = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if isinstance(getattr(self, item.name), int | float)
        }
        negative = [name for name, value in numbers.items() if value < 0]
        if negative:
            raise ValueError(f"query.{negative[0]} must be at least 0, not {numbers[negative[0]]}")
        self.check_access(self.port)
        if not 1 <= self.processes <= MAX_PROCESSES:
            raise ValueError(f"query.processes must be from 1 to {MAX_PROCESSES}, not {self.processes}")
        if self.port > 65_535:
            raise ValueError("query.port must be from 0 to 65535")
        if self.explored > 5:
            raise ValueError(f"query.explored must be from 0 to 5, not {self.explored}")
        if self.impressions > 1:
            raise ValueError(f"query.impressions must be from 0 to 1, not {self.impressions}")
        most_of = {"candidates": 1_000, "ranker_candidates": 1_000, "learnt_ranker_candidates": 1_000}
        for name, most in (most_of | {"browse_candidates": 10_000}).items():
            if not 1 <= numbers[name] <= most:
                raise ValueError(f"query.{name} must be from 1 to {most}, not {numbers[name]}")
