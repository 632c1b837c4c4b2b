"""A log of clicks: what answers showed, joined with what shoppers chose of it. Pure."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.ports.impressions import Impression
from indexer.shown_hits import unpack_shown

GRADES: Mapping[str, int] = {"viewed": 1, "clicked": 1, "liked": 2, "carted": 3, "purchased": 4}
"""How much each kind of choice says; of several, the strongest counts."""


class LoggedAnswer(Struct, frozen=True):
    """An answer, and what was chosen of it. It says nothing of who asked."""

    query_id: str
    time_ms: int
    text: str
    """What was searched for; empty: no words."""
    offset: int
    """How many hits came before its first."""
    variant: str
    feature_set: int
    products: list[str]
    """As they were shown."""
    features: str
    """(products, features) float16, as base64."""
    chosen: dict[str, str]
    """By product, the kind of its strongest choice: one of `GRADES`."""
    visitor: str = ""
    """The same in all answers of one join to one person, another in each join; empty: nobody in particular."""

    @property
    def rows(self) -> NDArray[np.float64]:
        """The features, (products, features)."""
        values = np.frombuffer(base64.b64decode(self.features), np.float16).astype(np.float64)
        return values.reshape(len(self.products), -1)

    @property
    def grades(self) -> NDArray[np.int64]:
        """How much each of the products was chosen (n,) int64; 0: not at all."""
        return np.array([GRADES.get(self.chosen.get(product, ""), 0) for product in self.products], np.int64)


def join_clicks(impressions: Iterable[Impression], choices: Iterable[tuple[str, str, str]]) -> list[LoggedAnswer]:
    """The answers with what was chosen of them, oldest first.

    Args:
        impressions: what answers showed; one that cannot be read is left out.
        choices: (query id, product id, kind); those of products that were not shown, or of other answers, are left out.
    """
    chosen: dict[str, dict[str, str]] = {}
    salt = secrets.token_bytes(16)
    for query_id, product_id, kind in choices:
        kinds = chosen.setdefault(query_id, {})
        if GRADES.get(kind, 0) > GRADES.get(kinds.get(product_id, ""), 0):
            kinds[product_id] = kind
    answers = {impression.query_id: impression for impression in impressions}
    logged = (_logged(impression, chosen.get(query_id, {}), salt) for query_id, impression in answers.items())
    return sorted(
        (answer for answer in logged if answer is not None), key=lambda answer: (answer.time_ms, answer.query_id)
    )


def _logged(impression: Impression, chosen: Mapping[str, str], salt: bytes) -> LoggedAnswer | None:
    try:
        shown = unpack_shown(impression.shown)
    except ValueError:
        return None
    if not shown.product_ids:
        return None
    return LoggedAnswer(
        impression.query_id,
        impression.time_ms,
        impression.text,
        impression.offset,
        impression.variant,
        shown.feature_set,
        list(shown.product_ids),
        base64.b64encode(shown.features.tobytes()).decode(),
        {product: kind for product, kind in chosen.items() if product in shown.product_ids},
        _pseudonym(impression.user_id, salt) if impression.user_id else "",
    )


def _pseudonym(user_id: str, salt: bytes) -> str:
    return hashlib.blake2b(user_id.encode(errors="replace"), digest_size=8, key=salt).hexdigest()


def merged_logs(logs: Iterable[Iterable[LoggedAnswer]]) -> list[LoggedAnswer]:
    """Several logs as one, oldest first; of an answer in several, the one of which most was chosen."""
    answers: dict[str, LoggedAnswer] = {}
    for answer in chain.from_iterable(logs):
        known = answers.get(answer.query_id)
        if known is None or len(answer.chosen) >= len(known.chosen):
            answers[answer.query_id] = answer
    return sorted(answers.values(), key=lambda answer: (answer.time_ms, answer.query_id))


def encode_log(answers: Iterable[LoggedAnswer]) -> Iterator[bytes]:
    """A line of JSON for each."""
    return (_encoder.encode(answer) + b"\n" for answer in answers)


def decode_log(lines: Iterable[bytes]) -> Iterator[LoggedAnswer]:
    """What `encode_log` wrote. Raises `ValueError` naming the line at fault."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _decoder.decode(line)
            except msgspec.DecodeError as error:
                raise ValueError(f"line {number} is no logged answer: {error}") from error


_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder(LoggedAnswer)
