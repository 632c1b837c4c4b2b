"""The indexing worker's HTTP server: liveness, readiness and metrics."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from encoders.liveness.vitals import Complaint, Vitals
from streams.errors import AddressNotAvailable


@asynccontextmanager
async def health_server(host: str, port: int, vitals: Vitals) -> AsyncGenerator[str, None]:
    """Serve /healthz, /readyz and /metrics; yields the server's URL.

    They are answered by the loop that does the work, from what is known: no request waits for a server or a process,
    and one that is not answered in time tells that the loop is blocked.

    Args:
        port: 0 for a free one.
        vitals: asked at each request.

    Raises:
        AddressNotAvailable: another process has the port, or this machine no such address.
    """

    async def healthz(_: web.Request) -> web.Response:
        return _verdict("alive", vitals.not_alive())

    async def readyz(_: web.Request) -> web.Response:
        return _verdict("ready", vitals.not_ready())

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise AddressNotAvailable(
                f"health and metrics cannot be served at {host}:{port} ({error.strerror}): give the worker another"
                " `health_port`, or 0 for a free one"
            ) from error
        bound_port = runner.addresses[0][1]
        yield f"http://{host}:{bound_port}"
    finally:
        await runner.cleanup()


def _verdict(status: str, complaints: Sequence[Complaint]) -> web.Response:
    """The status, or a problem document (RFC 9457) that names what is wrong."""
    if not complaints:
        return web.json_response({"status": status})
    document = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": f"not {status}: " + "; ".join(f"{complaint.part} {complaint.reason}" for complaint in complaints),
        "reasons": [{"part": complaint.part, "reason": complaint.reason} for complaint in complaints],
    }
    return web.json_response(document, status=503, content_type="application/problem+json")
