"""`vitrine apikey`: API keys of the query workers, and tokens for shoppers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vitrine.commands.options import with_settings
from vitrine.terminal import json_text, printable

if TYPE_CHECKING:
    from query_api.access.api_keys import ApiKey
    from query_api.access.key_store import ApiKeyStore
    from vitrine.settings import Settings

T = TypeVar("T")
_SCOPE = click.Choice(["search", "events", "users", "admin"])
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class _Duration(click.ParamType):
    """A time such as `90d`, in seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        number, unit = value[:-1], value[-1:]
        if not number.isdecimal() or unit not in _UNITS or not 0 < int(number) * _UNITS[unit] <= 3_650 * 86_400:
            self.fail(f"{value!r} is no time up to ten years; write 30m, 12h, 90d or 4w", param, ctx)
        return float(int(number) * _UNITS[unit])


@click.group(help="API keys: made, listed, revoked. From the first on, query workers ask for one.")
def command() -> None:
    pass


@command.command(help="Make a key. It is shown this once; what is kept cannot be turned back into it.")
@click.option("--scope", "scopes", type=_SCOPE, multiple=True, help="What it may do; may be repeated.")
@click.option("--public", is_flag=True, help="For browsers: scope search, and for no shopper in particular.")
@click.option("--name", default="", help="Whose it is, for people.")
@click.option("--expires", type=_Duration(), help="After how long it ends, such as 90d; without it, never.")
@with_settings()
def create(settings: Settings, scopes: tuple[Any, ...], public: bool, name: str, expires: float | None) -> None:
    from query_api.access.api_keys import make_key

    now = time.time()
    wanted = scopes or (("search",) if public else ())
    if not wanted:
        raise click.UsageError("give --scope search, events, users or admin")
    key, stored = make_key(wanted, now, name, now + expires if expires else None, public)
    _with_store(settings, lambda store: store.add(stored))
    click.echo(f"{key}\n")
    click.echo(
        f"id {stored.id}, {', '.join(stored.scopes)}, {_expiry(stored)}. Keep it: it is not shown again.", err=True
    )


@command.command("list", help="All keys, by what is kept of them.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_settings()
def list_keys(settings: Settings, as_json: bool) -> None:

    keys = _with_store(settings, lambda store: store.all())
    if as_json:
        click.echo(json_text([_fields(key) for key in keys]))
        return
    for key in keys:
        kind = "public" if key.public else "secret"
        click.echo(f"{key.id}  {kind}  {','.join(key.scopes)}  {_expiry(key)}  {printable(key.name)}".rstrip())
    if not keys:
        click.echo("no keys")


@command.command(help="Make a key worthless, on all query workers within a second.")
@click.argument("key_id", metavar="ID")
@with_settings()
def revoke(settings: Settings, key_id: str) -> None:
    from vitrine.errors import VitrineError

    if _with_store(settings, lambda store: store.revoke(key_id)) is None:
        raise VitrineError(f"no key has the id {key_id}; `vitrine apikey list` shows them")
    click.echo(f"revoked {key_id}")


@command.command(help="Make a shopper's token, signed with the first of query.token_secret.")
@click.option("--user", required=True, help="The shopper that it is for.")
@click.option("--scope", "scopes", type=click.Choice(["search", "events"]), multiple=True, help="Default: both.")
@click.option(
    "--filters", default="{}", metavar="JSON", help="What all that is shown must pass: '{\"in_stock\": true}'."
)
@click.option("--expires", type=_Duration(), default=3_600.0, help="After how long it ends (default 1h).")
@with_settings()
def token(settings: Settings, user: str, scopes: tuple[str, ...], filters: str, expires: float) -> None:
    import json

    from query_api.access.shopper_tokens import mint_shopper_token
    from query_api.access.token_secrets import TokenSecrets
    from vitrine.errors import VitrineError

    secrets = TokenSecrets(settings.query.token_secret, settings.query.token_secret_file).current
    if not secrets:
        raise VitrineError("no secret signs tokens: set VITRINE_QUERY_TOKEN_SECRET or query.token_secret_file")
    try:
        fixed = json.loads(filters)
    except ValueError as error:
        raise click.BadParameter(f"no JSON: {error}", param_hint="--filters") from error
    made = mint_shopper_token(secrets[0], user, filters=fixed, expires_s=expires, scopes=scopes or ("search", "events"))
    click.echo(made)


def _with_store(settings: Settings, do: Callable[[ApiKeyStore], Awaitable[T]]) -> T:
    """Do something to the keys, wherever they are kept."""
    from dataclasses import replace

    from indexer.redis.api_keys import RedisKeyRecords
    from indexer.redis.client import connect_redis
    from query_api.access.key_file import FileApiKeys
    from query_api.access.key_store import StoredApiKeys
    from vitrine.stack.servers import redis_url

    async def run() -> T:
        if settings.query.api_keys_file:
            return await do(FileApiKeys(settings.query.api_keys_file))
        redis = connect_redis(replace(settings.redis, url=redis_url(settings)))
        try:
            # A command may wait longer than a query.
            return await do(StoredApiKeys(RedisKeyRecords(redis, deadline_s=5.0)))
        finally:
            await redis.aclose()

    return asyncio.run(run())


def _fields(key: ApiKey) -> dict[str, Any]:
    times = {"created_s": key.created_s, "expires_s": key.expires_s}
    return {"id": key.id, "name": key.name, "scopes": key.scopes, "public": key.public, **times}


def _expiry(key: ApiKey) -> str:
    if key.expires_s is None:
        return "for ever"
    ended = "ended" if key.expires_s <= time.time() else "until"
    return f"{ended} {time.strftime('%Y-%m-%d %H:%M', time.gmtime(key.expires_s))} UTC"
