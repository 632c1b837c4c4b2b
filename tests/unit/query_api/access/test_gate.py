"""What keeps a gate fresh."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from query_api.access import access_control, gate
from query_api.access.shopper_tokens import mint_shopper_token
from query_api.access.verified_keys import VerifiedKeys
from query_api.errors import NotAuthenticated
from tests.access import NEW, OLD, Doorkeeper


async def until(holds) -> None:
    async with asyncio.timeout(20):
        while not await holds():
            await asyncio.sleep(0)


async def test_keys_are_watched_again_after_a_fault_that_nobody_thought_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "RESTART_S", 0.0)
    looks: list[int] = []

    async def refresh(_: VerifiedKeys) -> None:
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("a fault")

    monkeypatch.setattr(VerifiedKeys, "refresh", refresh)
    running = asyncio.create_task(Doorkeeper().gate.run())

    async def looked_again() -> bool:
        return len(looks) > 1

    await until(looked_again)
    assert not running.done()
    running.cancel()


async def test_tokens_of_a_secret_that_was_taken_away_are_refused_though_they_were_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_control, "SECRETS_POLL_S", 0.0)
    path = tmp_path / "secrets"
    path.write_text(f"new:{NEW}\nold:{OLD}")
    door = Doorkeeper(token_secret_file=str(path))
    header = f"Bearer {mint_shopper_token(OLD, 'ada', key_id='old')}"
    assert (await door.control.identify(header)).user_id == "ada"
    running = asyncio.create_task(door.gate.run())
    path.write_text(f"new:{NEW}")

    async def refused() -> bool:
        try:
            await door.control.identify(header)
        except NotAuthenticated:
            return True
        return False

    await until(refused)
    running.cancel()


async def test_a_known_token_ends_when_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    now = time.time()
    door = Doorkeeper(token_secret=NEW, wall_clock=lambda: now)
    header = f"Bearer {mint_shopper_token(NEW, 'ada', expires_s=60)}"
    assert (await door.control.identify(header)).user_id == "ada"
    now += 61
    with pytest.raises(NotAuthenticated, match="expired"):
        await door.control.identify(header)
