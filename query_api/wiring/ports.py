"""What a query worker is made of."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from encoders.inference.device_priority import DevicePriority
from encoders.liveness.vitals import Vitals
from encoders.port import Encoder, ImageDecoder, Ranker
from encoders.processes.media_decoding import ClipsConfig, MediaDecoder
from encoders.speech.port import AdaptableRecogniser
from encoders.tracing.spans import Tracer
from indexer.media.store import MediaStore
from indexer.personal_data import PersonalData
from indexer.ports.behaviour import BehaviourStore
from indexer.ports.changes import ChangeLog
from indexer.ports.impressions import ImpressionStore
from indexer.ports.products import ProductStore
from indexer.ports.profiles import ProfileStore
from indexer.ports.switches import VariantSwitches
from query_api.access.gate import AccessGate
from query_api.admission.lanes import Lanes
from query_api.config import QueryConfig
from query_api.experiments.beside import GenerationsBeside
from query_api.experiments.experiment import Experiment
from query_api.learning_to_rank.model import TreeRanker
from query_api.ports import CandidateCache, EventSink
from query_api.understanding.background_refresh import RefreshIntervals

if TYPE_CHECKING:
    from query_api.wiring.components import QueryComponents


@dataclass(frozen=True, slots=True)
class QueryPorts:
    """Ports and settings of one query worker, filled in by a composition root, which also closes them."""

    store: ProductStore
    generation: str
    """Name of the index generation that `store` is."""
    encoder: Encoder
    encoder_thread: Executor
    """Where the encoder runs: exactly one thread."""
    decoder: ImageDecoder
    """Makes the encoder's input of shoppers' pictures."""
    profiles: ProfileStore
    behaviour: BehaviourStore
    change_log: ChangeLog
    media_store: MediaStore
    candidate_cache: CandidateCache
    index_age_ms: Callable[[], int | None]
    """How long the oldest event that is not yet searchable has waited, in ms; None: not known just now."""
    lag: Callable[[], Mapping[str, int] | None] = lambda: None
    """How many events of each topic wait to be indexed; None: not known just now."""
    config: QueryConfig = field(default_factory=QueryConfig)
    lanes: Lanes = field(default_factory=lambda: Lanes.of(512))
    """How many searches are worked on at a time, over all generations of the index."""
    gate: AccessGate | None = None
    """Lets requests in; None: all of them."""
    ranker: Ranker | None = None
    """Scores the best candidates once more; None: their scores stay."""
    learnt_ranker: TreeRanker | None = None
    """Orders the best candidates by all that is known of them; None: their order stays."""
    experiment: Experiment | None = None
    """Gives shoppers variants of the ranking; None: all have the same."""
    variant_rankers: Mapping[str, TreeRanker | None] = field(default_factory=dict[str, TreeRanker | None])
    """Of the variants that name one or none, by their names."""
    switches: VariantSwitches | None = None
    """Says which variants are switched off; None: none are."""
    beside: GenerationsBeside[QueryComponents] = field(default_factory=lambda: GenerationsBeside())
    """The generations of the index that variants of the experiment may name."""
    impressions: ImpressionStore | None = None
    """Remembers what answers showed; None: nobody does."""
    device_priority: DevicePriority | None = None
    """Of queries on the encoder's device, over other processes' work; None: none is shared."""
    publisher: EventSink | None = None
    """None: the search page's clicks are not taken."""
    fetch_media: Callable[[str], Awaitable[bytes]] | None = None
    """Fetches a picture by URL, safely; None: queries must bring the bytes. Raises `InvalidRequest`."""
    media_decoder: MediaDecoder | None = None
    """Decodes shoppers' sounds and clips; None: they are refused."""
    recogniser: AdaptableRecogniser | None = None
    """Transcribes what shoppers say; None: sounds are refused."""
    clips_config: ClipsConfig = field(default_factory=ClipsConfig)
    vitals: Vitals = field(default_factory=Vitals)
    """What is watched of the worker."""
    tracer: Tracer | None = None
    """Begins the spans of requests; None: traces are off."""
    refresh_intervals: RefreshIntervals = field(default_factory=RefreshIntervals)
    """How often what is known of words is brought up to date."""
    clock: Callable[[], float] = time.monotonic
    """By which what is cached in the process expires, in seconds."""

    @property
    def personal_data(self) -> PersonalData:
        """All stores that have something of people."""
        return PersonalData(self.profiles, self.behaviour, self.impressions)
