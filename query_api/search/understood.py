"""How a query was understood, for the response. Pure."""

from __future__ import annotations

from typing import Any

from encoders.speech.port import Transcript
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Understood
from query_api.understanding.parser import ParsedQuery


def understood_fields(reading: ParsedQuery, request: SearchRequest, heard: Transcript | None = None) -> dict[str, Any]:
    """The fields of a response that say how texts were understood; none where they were taken as they are."""
    found: dict[str, Any] = {}
    if reading.did_you_mean is not None:
        found |= {"did_you_mean": reading.did_you_mean, "corrected": request.correct}
    if reading.price or reading.excluded_terms or reading.synonyms or heard:
        found["understood"] = _understood(reading, request, heard)
    return found


def _understood(reading: ParsedQuery, request: SearchRequest, heard: Transcript | None) -> Understood:
    price = reading.price
    return Understood(
        price=dict(price.bounds) if price else {},  # pyright: ignore[reportArgumentType]
        phrase=price.phrase if price else None,
        currency=price.currency if price else None,
        price_applied=price is None or "price" not in request.filters,
        excluded=list(reading.excluded_terms),
        synonyms={entry: list(adds) for entry, adds in reading.synonyms.items()},
        speech=heard.text if heard else None,
        speech_alternatives=list(heard.alternatives) if heard else [],
        speech_problem=(heard.problem or None) if heard else None,
    )
