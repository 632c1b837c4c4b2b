"""Labels from the live index: products that are alike are looked up, and say what a new one leaves open."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from encoders.port import BatchEncoder
from encoders.spec import EmbeddingSpec, FloatArray, fuse
from indexer.calibration import Calibration, calibrate
from indexer.cards import decode_card
from indexer.errors import StoreUnavailable
from indexer.lexical import query_text
from indexer.near_duplicates import Listing, find_duplicates
from indexer.planning import Plan
from indexer.ports import Candidate, ProductStore
from indexer.records import IndexRow, StoredProduct, Suggestion
from indexer.rows import embedding_text, relabelled
from indexer.suggestions import (
    ALL_ATTRIBUTES,
    Ballot,
    Neighbour,
    card_labels,
    count_votes,
    is_open,
    is_right,
    stated,
    suggest,
    without,
)
from streams import metrics
from streams.config import LabellingConfig

log = logging.getLogger(__name__)
