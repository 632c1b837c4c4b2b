"""Who made a request, and what they may do. Pure."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, cast, get_args

from indexer.criteria import Filters
from query_api.errors import NotAuthorised

Scope = Literal["search", "events", "users", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
SHOPPER_SCOPES: frozenset[Scope] = frozenset(("search", "events"))
"""The most that a shopper's token may do."""
CallerKind = Literal["open", "key", "public", "shopper", "service"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    id: str
    """What logs call them: a key's id, never a person."""
    kind: CallerKind
    scopes: frozenset[Scope]
    user_id: str | None = None
    """The one shopper that a shopper may ask for."""
    filters: Filters = ()
    """What everything they are shown has to pass."""

    def check_scope(self, scope: Scope) -> None:
        """Raises `NotAuthorised` without the scope."""
        if scope not in self.scopes:
            has = ", ".join(sorted(self.scopes)) or "none"
            raise NotAuthorised(f"this needs the scope `{scope}`; the key or token has {has}")

    def check_user(self, user_id: str) -> None:
        """Raises `NotAuthorised` where they may not ask for this shopper."""
        if self.kind == "public":
            raise NotAuthorised("user_id: a public key asks for nobody; a shopper's own token does, or a secret key")
        if self.kind == "shopper" and user_id != self.user_id:
            raise NotAuthorised("user_id: the token is another shopper's")


OPEN_CALLER = Caller("", "open", frozenset(SCOPES))
"""Anybody, where no keys are asked for."""
ANONYMOUS = Caller("", "public", frozenset())
"""Somebody on a route that asks nobody for a key."""
CALLER_ID: ContextVar[str] = ContextVar("caller_id", default="")
"""The `Caller.id` of the request that is being answered; empty: nobody was asked."""


def read_scopes(names: object) -> frozenset[Scope]:
    """Our scopes among a list of names, or a text of names separated by spaces; anything else has none."""
    listed = names.split() if isinstance(names, str) else cast(list[object], names) if isinstance(names, list) else []
    return frozenset(scope for scope in SCOPES if scope in listed)
