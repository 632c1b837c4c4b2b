"""All checks, run beside each other: each within its time, and none ends another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

from vitrine.doctor import access, kafka, machine, stores
from vitrine.doctor.findings import Finding, failure
from vitrine.masking import mask_credentials
from vitrine.settings import Settings

log = logging.getLogger(__name__)

Findings = AsyncIterator[Finding] | Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at."""

    subject: str
    run: Callable[[Settings], Findings]
    deadline_s: float = 10.0


CHECKS: Sequence[Check] = (
    Check("packages", machine.check_packages),
    Check("memory", machine.check_memory),
    Check("disk", machine.check_disk),
    Check("files", machine.check_files),
    Check("data directory", machine.check_data_directory),
    Check("ports", machine.check_ports),
    Check("certificates", access.check_certificates),
    Check("kafka", kafka.check_kafka, 45.0),
    Check("redis", stores.check_redis, 15.0),
    Check("milvus", stores.check_milvus, 30.0),
    Check("media", stores.check_media, 30.0),
    Check("access", access.check_access),
    Check("privacy", access.check_privacy),
    Check("encoder", access.check_encoder),
)


async def examine(settings: Settings, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """What all checks find, in their order."""
    found = await asyncio.gather(*(_findings(check, settings) for check in checks))
    return [finding for findings in found for finding in findings]


async def _findings(check: Check, settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    try:
        async with asyncio.timeout(check.deadline_s):
            findings = check.run(settings)
            if isinstance(findings, AsyncIterator):
                async for finding in findings:
                    found.append(finding)
            else:
                # In a thread: a directory on a network may take its time.
                found += await asyncio.to_thread(lambda: list(findings))
    except TimeoutError:
        advice = "it hangs: look at the server or the disk behind it"
        found.append(failure(check.subject, f"could not be looked at within {check.deadline_s:g} s", advice))
    except Exception as error:
        log.exception("check_failed", extra={"subject": check.subject})
        said = mask_credentials(f"{type(error).__name__}: {error}"[:300])
        found.append(failure(check.subject, f"could not be looked at: {said}", "this is a fault of the check itself"))
    return found
