"""Who is let in, and the certificates and models that the configuration names."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from encoders.checkpoints import split_revision
from encoders.errors import EncoderError
from encoders.inference.truncation import split_name
from encoders.loading import MINI, STANDARD
from encoders.pretrained import standard
from indexer.errors import StoreUnavailable
from indexer.redis.api_keys import RedisKeyRecords
from indexer.redis.client import connect_redis
from query_api.access.opening import open_gate
from query_api.access_config import is_loopback
from query_api.errors import QueryError
from vitrine.doctor.findings import Finding, failure, not_running, ok, warning
from vitrine.errors import NotRunning
from vitrine.settings import Settings
from vitrine.stack.servers import redis_url

BUILT_IN = (MINI, "hash", "hash-joint", "synthetic")
HUB = "https://huggingface.co"
HUB_DEADLINE_S = 5.0
LEAST_SECRET_CHARS = 24
RENEW_S = 14 * 86_400
"""A certificate that ends within so long is to be renewed."""


async def check_access(settings: Settings) -> AsyncIterator[Finding]:
    """Whether a query worker would start as it is configured, and who may ask it."""
    query = settings.query
    try:
        redis = connect_redis(replace(settings.redis, url=redis_url(settings)))
    except (NotRunning, StoreUnavailable) as error:
        yield not_running("access", error)
        return
    records = RedisKeyRecords(redis)
    try:
        if not query.api_keys_file:
            await records.version()
        await open_gate(query, query.host, records, None)
    except StoreUnavailable as error:
        yield warning("access", f"API keys cannot be looked at: {error}", "see what is said about Redis")
        return
    except QueryError as error:
        yield failure("access", str(error), "the query worker does not start like this")
        return
    finally:
        await redis.aclose()
    if query.open and not is_loopback(query.host):
        advice = "make keys by `vitrine apikey create`, and take query.open = true out again"
        yield warning("access", f"query.host = {query.host} is open to everybody who reaches it", advice)
    elif is_loopback(query.host):
        yield ok("access", f"query.host = {query.host}: only this machine reaches it")
    else:
        yield ok("access", f"query.host = {query.host}, and keys are asked for")


def check_privacy(settings: Settings) -> Iterator[Finding]:
    """Whether what is kept of forgotten people is more than a guess away, where Redis is not this machine's alone."""
    secret = settings.privacy.secret
    if secret and len(secret) < LEAST_SECRET_CHARS:
        advice = "make it with `openssl rand -hex 32`, before there are shoppers; it cannot be changed later"
        yield warning("privacy", f"privacy.secret has {len(secret)} characters, and can be guessed", advice)
    elif secret:
        yield ok("privacy", "privacy.secret is set")
    elif settings.redis.url:
        advice = (
            "set VITRINE_PRIVACY_SECRET to what `openssl rand -hex 32` prints, the same for all, before shoppers come"
        )
        message = (
            "privacy.secret is empty: whoever has a copy of Redis can read dead letters and check who was forgotten"
        )
        yield warning("privacy", message, advice)


def check_certificates(settings: Settings) -> Iterator[Finding]:
    """Whether our certificates are there, and how long they are good for."""
    named = {
        "query.ssl_certfile": settings.query.ssl_certfile,
        "kafka.ssl_certfile": settings.kafka.ssl_certfile,
        "kafka.ssl_cafile": settings.kafka.ssl_cafile,
        "redis.ssl_certfile": settings.redis.ssl_certfile,
        "redis.ssl_cafile": settings.redis.ssl_cafile,
    }
    for setting, path in named.items():
        if path:
            yield _judge_certificate(setting, Path(path), time.time())


def _judge_certificate(setting: str, path: Path, now_s: float) -> Finding:
    try:
        certificate, *_ = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        return failure("certificates", f"{setting} = {path} cannot be read: {error}", "name a PEM file of certificates")
    left_s = certificate.not_valid_after_utc.timestamp() - now_s
    until = f"{setting} = {path} ends on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if left_s < 0:
        return failure("certificates", until, "renew it: it has expired")
    if certificate.not_valid_before_utc.timestamp() > now_s:
        return failure("certificates", f"{setting} = {path} is not valid yet", "compare the clocks")
    if left_s < RENEW_S:
        return warning("certificates", until, "renew it; it is read anew when the file changes")
    return ok("certificates", until)


async def check_encoder(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the configured model can be had; a hub is asked only where a model of it is named and not here."""
    try:
        name, _ = split_name(settings.encoder.name_for_new_index)
    except EncoderError as error:
        yield failure("encoder", str(error), "see docs/encoders.md")
        return
    if name in BUILT_IN:
        yield ok("encoder", f"{name} comes with Vitrine")
    elif name == STANDARD:
        yield _judge_standard()
    elif _is_directory(name):
        yield _judge_directory(Path(name))
    elif name.count("/") != 1:
        yield failure(
            "encoder", f"there is no directory {name}", "give an existing directory, or a hub name owner/model"
        )
    elif _is_cached(name):
        yield ok("encoder", f"{name} has been fetched already")
    else:
        yield await _ask_hub(name)


def _is_directory(name: str) -> bool:
    """Whether a model's name is of a directory on this machine."""
    return Path(name).is_dir()


def _judge_directory(directory: Path) -> Finding:
    if not (directory / "config.json").is_file():
        return failure("encoder", f"{directory} has no config.json", "name the directory that has the model's files")
    return ok("encoder", f"{directory} is there")


def _is_cached(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    model, revision = split_revision(name)
    return isinstance(try_to_load_from_cache(model, "config.json", revision=revision), str)


def _judge_standard() -> Finding:
    if standard.is_available():
        return ok("encoder", "standard: the packages with its weights are installed")
    return failure("encoder", "standard: the packages with its weights are not installed", standard.HOW_TO_GO_ON)


async def _ask_hub(name: str) -> Finding:
    import httpx

    model, revision = split_revision(name)
    try:
        async with httpx.AsyncClient(timeout=HUB_DEADLINE_S, follow_redirects=True) as client:
            answer = await client.head(f"{HUB}/{model}/resolve/{revision or 'main'}/config.json")
    except httpx.HTTPError as error:
        advice = "fetch it where there is a network, and name its directory"
        return failure("encoder", f"{name} is not here, and {HUB} cannot be reached: {error!r}", advice)
    if answer.status_code >= 400:
        advice = "check the name; a private model needs HF_TOKEN"
        return failure("encoder", f"{HUB} has no {name} for us ({answer.status_code})", advice)
    return ok("encoder", f"{name} can be fetched from {HUB}")
