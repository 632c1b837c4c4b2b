"""The worker does what its OpenAPI document says, by requests that are generated from it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from query_api.http.openapi.document import openapi_document
from tests.shop import MakeShop, Shop, png

EXAMPLES = 8
"""For each operation, with good and with bad requests; `make fuzz` has many more."""
CONTENT_FAULTS = re.compile(
    "no (searchable )?product has the id|cannot be decoded|no image of a known format|fetches nothing"
    "|is empty: 0 bytes|mode lexical|excluded terms|says only what|cancel each other|audio|video|that ascend"
    # How many pictures may be sent depends on how many parts are: of a sum, JSON Schema tells nothing.
    r"|parts: \d+ of them"
    # A kind of recommendation asks for another parameter.
    "|needs one to start from"
    # JSON Schema takes 1.0 for an integer; the worker does not.
    "|got `float`"
)
"""Why a request may be refused that its schema cannot tell from a good one: by what is in the index or in a file."""


def open_document() -> dict[str, Any]:
    """The document of a worker without keys."""
    document = openapi_document()
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    document["components"].pop("securitySchemes", None)
    return document


DOCUMENT = open_document()
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


@pytest.fixture
def shop(make_shop: MakeShop) -> Iterator[Shop]:
    shop = make_shop()
    asyncio.run(shop.put("mug-red", png("red"), title="red mug", price=5.0, brand="Acme", category="Home/Mugs"))
    yield shop


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_answers_are_as_documented(shop: Shop, path: str, method: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.app = shop.app

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(schema[path][method.upper()].as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        response = case.call()
        is_content = response.status_code == 422 and CONTENT_FAULTS.search(response.json()["detail"])
        excluded = [CHECKS.get_one("positive_data_acceptance")] if is_content else []
        case.validate_response(response, excluded_checks=excluded)

    try:
        check()
    except Unsatisfiable:
        # There is nothing to do wrong.
        assert mode is GenerationMode.NEGATIVE
