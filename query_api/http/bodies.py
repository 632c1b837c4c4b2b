"""What HTTP requests carry: JSON, forms with files, query parameters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import FormData, ImmutableMultiDict, UploadFile
from starlette.requests import Request

from query_api.contract.requests import MAX_PARTS
from query_api.errors import InvalidRequest

MAX_PICTURES = MAX_PARTS + 1
MAX_FILES = MAX_PICTURES + 2
MAX_FIELDS = 32
MAX_FIELD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Form:
    """A form with files."""

    fields: dict[str, str]
    """Values by name."""
    files: list[tuple[str, bytes]]
    """Contents with their field names, which may repeat."""


async def json_or_form(request: Request, deadline_s: float) -> bytes | Form:
    """A request's body: the bytes of JSON, or a form.

    Raises:
        InvalidRequest: 408 when it takes longer than `deadline_s`, 415 when it is neither.
    """
    kind = _content_type(request) or "application/json"
    _check_charset(request)
    try:
        async with asyncio.timeout(deadline_s):
            if kind == "application/json":
                return await request.body()
            if kind == "multipart/form-data":
                return await _form(request)
    except TimeoutError:
        raise InvalidRequest("", f"the body did not arrive within {deadline_s:g} s", 408) from None
    raise InvalidRequest("", f"{kind[:80]} is not taken; send application/json or multipart/form-data", 415)


async def json_body(request: Request, deadline_s: float) -> bytes:
    """The bytes of a body that must be declared as JSON: other sites' forms cannot send such.

    Raises:
        InvalidRequest: 408 when it takes longer than `deadline_s`, 415 when it is declared as something else.
    """
    if _content_type(request) != "application/json":
        raise InvalidRequest("", "send application/json", 415)
    _check_charset(request)
    try:
        async with asyncio.timeout(deadline_s):
            return await request.body()
    except TimeoutError:
        raise InvalidRequest("", f"the body did not arrive within {deadline_s:g} s", 408) from None


def text_parameters(pairs: ImmutableMultiDict[str, str] | FormData) -> dict[str, str]:
    """Text fields by name; a repeated `facets` is a list."""
    texts = {name: value for name, value in pairs.multi_items() if isinstance(value, str)}
    facets = [value for value in pairs.getlist("facets") if isinstance(value, str)]
    return texts | ({"facets": ",".join(facets)} if facets else {})


async def _form(request: Request) -> Form:
    async with request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES) as form:
        files = [(name, await value.read()) for name, value in form.multi_items() if isinstance(value, UploadFile)]
        return Form(text_parameters(form), files)


def _check_charset(request: Request) -> None:
    """Refuse texts in other encodings than UTF-8: some of Python's take quadratic time, or are no encodings of text."""
    _, _, rest = request.headers.get("content-type", "").lower().partition("charset")
    charset = rest.lstrip(" =*").partition(";")[0].strip(" '\"")
    if charset and charset.removesuffix("''") not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise InvalidRequest("", f"charset {charset[:40]} is not taken; send UTF-8", 415)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
