"""What the workers of this machine say of themselves, where they are not well."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from deploy.local.processes import ProcessRecord

DEADLINE_S = 3.0


async def complaints(workers: Sequence[ProcessRecord], path: str = "/readyz") -> list[str]:
    """A sentence for each worker that answers `path` with another status than 200, or not in time."""
    said = await asyncio.gather(*(_ask(worker, path) for worker in workers))
    return [sentence for sentence in said if sentence]


async def _ask(worker: ProcessRecord, path: str) -> str:
    import httpx

    try:
        async with httpx.AsyncClient(base_url=worker.url, trust_env=False, timeout=DEADLINE_S) as client:
            response = await client.get(path)
    except httpx.HTTPError:
        return f"{worker.name} does not answer: it hangs, or is starting; see {worker.log}"
    if response.status_code == 200:
        return ""
    try:
        detail = str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"answers {response.status_code}"
    return f"{worker.name} is {detail}" if detail.startswith("not ") else f"{worker.name}: {detail}"
