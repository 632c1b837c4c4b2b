"""The route to stored pictures, clips and sounds: whole, or the part that a player asks for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from indexer.media.store import MediaStore
from indexer.media.stored_file import MediaFile
from query_api.http.media_types import HEAD_BYTES, media_type
from query_api.http.problems import problem, problem_response

CHUNK_BYTES = 64 * 2**10
"""What is in memory of a file for each client that reads it, beside what the network takes."""
LINK_KEPT_S = 1_800
"""How long a browser may keep where a file is; a link is good for longer."""
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


class MediaRoute:
    """`/media/{hash}`."""

    def __init__(self, media: MediaStore, deadline_s: float, max_age_s: int) -> None:
        """Args: deadline_s: of each read; max_age_s: how long others may keep a copy."""
        self._media = media
        self._deadline_s = deadline_s
        self._max_age_s = max_age_s

    def routes(self) -> list[Route]:
        """Starlette's routes."""
        return [Route("/media/{digest}", self.media)]

    async def media(self, request: Request) -> Response:
        digest = request.path_params["digest"]
        async with asyncio.timeout(self._deadline_s):
            file = await self._media.open(digest)
        if file is None:
            return _missing()
        try:
            async with asyncio.timeout(self._deadline_s):
                elsewhere = await self._media.link(digest)
            response = await self._respond(request, file, f'"{digest}"', elsewhere)
        except BaseException:
            await file.aclose()
            raise
        if not isinstance(response, _Pieces):
            await file.aclose()
        return response

    async def _respond(self, request: Request, file: MediaFile, etag: str, elsewhere: str | None) -> Response:
        async with asyncio.timeout(self._deadline_s):
            kind = media_type(await file.read(0, HEAD_BYTES))
        if kind is None:
            return _missing()
        if elsewhere is not None:
            # Who comes back later needs a new link.
            return RedirectResponse(elsewhere, 307, {"cache-control": f"private, max-age={LINK_KEPT_S}"})
        headers = {
            "etag": etag,
            # The name is the content's hash: what it stands for never changes, but it may go, and so must the copies.
            "cache-control": f"public, max-age={self._max_age_s}, immutable",
            "content-security-policy": "default-src 'none'; sandbox",
            "accept-ranges": "bytes",
        }
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        part = wanted_range(request.headers, file.size, etag)
        if part is not None and not part:
            return Response(status_code=416, headers=headers | {"content-range": f"bytes */{file.size}"})
        if part is not None:
            headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
        status, wanted = (200, range(file.size)) if part is None else (206, part)
        headers |= {"content-length": str(len(wanted)), "content-type": kind}
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        return _Pieces(status, headers, file, wanted, self._deadline_s)


def wanted_range(headers: Mapping[str, str], size: int, etag: str) -> range | None:
    """The bytes of a file that a request asks for (RFC 9110, section 14).

    Returns:
        None: all of it, as for what is no single range of bytes, or of another version of the file. Empty: none that
        there are.
    """
    if headers.get("if-range", etag) != etag:
        return None
    match = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    first, last = match.groups() if match else ("", "")
    if not first and not last:
        return None
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(size, int(last) + 1) if last else size)


def _missing() -> Response:
    return problem_response(problem(404, "no such picture, clip or sound is stored"))


class _Pieces(Response):
    """Sends a part of a file piece by piece, each when the client has taken the one before; closes the file."""

    def __init__(self, status: int, headers: dict[str, str], file: MediaFile, wanted: range, deadline_s: float) -> None:
        super().__init__(status_code=status)
        self.raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._file = file
        self._wanted = wanted
        self._deadline_s = deadline_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for start in self._wanted[::CHUNK_BYTES]:
                length = min(CHUNK_BYTES, self._wanted.stop - start)
                async with asyncio.timeout(self._deadline_s):
                    piece = await self._file.read(start, length)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await self._file.aclose()
