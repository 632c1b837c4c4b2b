"""Where the servers are: those that the configuration names, else those that run on the data dir."""

from __future__ import annotations

import json
from typing import Any

from vitrine.errors import NotRunning
from vitrine.settings import Settings


def kafka_servers(settings: Settings) -> str:
    """`host:port,…` of the configured Kafka, else of the embedded one. Raises `NotRunning` when there is neither."""
    servers = settings.kafka.bootstrap_servers or _state(settings).get("kafka", {}).get("bootstrap_servers")
    if not servers:
        way_out = "start it with `vitrine up`, or name one in VITRINE_KAFKA_BOOTSTRAP_SERVERS"
        raise NotRunning(f"no Kafka runs on {settings.data_dir}: {way_out}")
    return servers


def query_url(settings: Settings) -> str:
    """The base URL of a query worker: one that runs on the data dir, else where the configuration puts it."""
    for worker in _state(settings).get("query_workers", []):
        return worker["url"]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.query.host, settings.query.host)
    return f"http://{host}:{settings.query.port}"


def _state(settings: Settings) -> dict[str, Any]:
    """What `vitrine up` has noted of the servers that it runs on the data dir."""
    path = settings.data_dir / "run" / "state.json"
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotRunning(f"{path} cannot be read ({error}); `vitrine down` and `vitrine up` write it anew") from error
