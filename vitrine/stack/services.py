"""What `vitrine up` runs on a data dir: the servers that the configuration does not name, and our workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local.errors import StartFailed
from deploy.local.processes import free_port
from deploy.local.services import Service
from deploy.local.stack import LocalStack
from encoders.loading import is_for_gpu
from vitrine.settings import Settings, as_environment
from vitrine.settings_loading import CLIENTS_VARIABLES, environment_variable
from vitrine.stack.servers import ENCODER_SERVICE, configured_url, is_own, operations_url

SERVICE_VARIABLE = "VITRINE_ENCODER_SERVICE"
# Torch's threads must not spin while they wait: there are more of them than cores.
_CALM_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}


class WorkerService(Service):
    """One of our own workers as a process: `vitrine worker KIND`."""

    stage = 1
    # The first to load a model makes it ready, which takes a busy machine minutes.
    start_deadline_s = 300.0

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        url: str,
        data_dir: Path,
        env: Mapping[str, str],
        operations_url: str | None = None,
    ) -> None:
        """Args: command: what follows `vitrine worker`; operations_url: where its readiness is; None: at `url`."""
        self.name = name
        self.url = url
        self._operations_url = operations_url or url
        self.cwd = data_dir
        self._command = command
        # A key that commands send is nothing for workers.
        own = {name: value for name, value in os.environ.items() if name not in CLIENTS_VARIABLES}
        self._env = {**_CALM_THREADS, **own, **env, "VITRINE_DATA_DIR": str(data_dir)}

    def prepare(self, progress: Callable[[str], None]) -> None:
        """Nothing to prepare."""

    @property
    def argv(self) -> list[str]:
        """The worker's command line."""
        return [sys.executable, "-P", "-m", "vitrine", "worker", *self._command, "--keep-logs", str(self.cwd / "logs")]

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of `vitrine up`, with the addresses of the servers."""
        return self._env

    async def check(self) -> None:
        """Ask the worker whether it is ready."""
        import httpx

        url = self._operations_url
        async with httpx.AsyncClient(trust_env=False, timeout=2, verify=not is_own(url)) as client:
            (await client.get(f"{url}/readyz")).raise_for_status()


def stack_services(settings: Settings, stack: LocalStack) -> list[Service]:
    """The processes of a complete stack, in the order in which they must start."""
    servers, env = _servers(settings, stack)
    encoder = _encoder_service(settings, stack, env)
    return [*servers, *encoder, *_indexing(settings, stack, env), _query(settings, stack, env)]


def standby_service(settings: Settings, stack: LocalStack) -> Service:
    """The worker that keeps a generation of the index up to date beside the active one; leaves when there is none."""
    _, env = _servers(settings, stack)
    worker = _indexing_worker("standby-0", ["standby", "--exit-when-done"], settings, stack, env)
    worker.temporary = True
    return worker


def _servers(settings: Settings, stack: LocalStack) -> tuple[list[Service], dict[str, str]]:
    """The servers that the configuration does not name, and what workers have to know of all of them."""
    servers: list[Service] = []
    addresses = {
        "VITRINE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "VITRINE_REDIS_URL": settings.redis.url,
        "VITRINE_MILVUS_URI": settings.milvus.uri,
    }
    embedded = (stack.kafka, stack.redis, stack.milvus)
    for variable, make in zip(addresses, embedded, strict=True):
        if not addresses[variable]:
            servers.append(make())
            addresses[variable] = servers[-1].url
    if has_encoder_service(settings):
        addresses[SERVICE_VARIABLE] = f"unix:{stack.encoder_socket()}"
    lite_database = settings.milvus.lite_database if settings.milvus.uri else str(stack.milvus().database)
    # What a file or a flag has set, too: workers run in the data dir, and read neither.
    return servers, as_environment(settings) | addresses | {"VITRINE_MILVUS_LITE_DATABASE": lite_database}


def has_encoder_service(settings: Settings) -> bool:
    """Whether `vitrine up` starts an encoder service: told to, or for a GPU, which is too good for one worker."""
    encoder = settings.encoder
    return encoder.service == "always" or (encoder.service == "auto" and is_for_gpu(encoder.runtime))


def _encoder_service(settings: Settings, stack: LocalStack, env: Mapping[str, str]) -> list[WorkerService]:
    if not has_encoder_service(settings):
        return []
    port = stack.port(ENCODER_SERVICE)
    health = {"VITRINE_ENCODER_HEALTH_HOST": "127.0.0.1", "VITRINE_ENCODER_HEALTH_PORT": str(port)}
    url = f"http://127.0.0.1:{port}"
    return [WorkerService(ENCODER_SERVICE, ["encoder"], url, settings.data_dir, {**env, **health})]


def _indexing(settings: Settings, stack: LocalStack, env: Mapping[str, str]) -> list[WorkerService]:
    names = [f"indexing-{number}" for number in range(settings.indexing.workers)]
    return [_indexing_worker(name, ["indexing"], settings, stack, env) for name in names]


def _indexing_worker(
    name: str, command: Sequence[str], settings: Settings, stack: LocalStack, env: Mapping[str, str]
) -> WorkerService:
    port = stack.port(name)
    health = {"VITRINE_INDEXING_HEALTH_HOST": "127.0.0.1", "VITRINE_INDEXING_HEALTH_PORT": str(port)}
    return WorkerService(name, command, f"http://127.0.0.1:{port}", settings.data_dir, {**env, **health})


def _query(settings: Settings, stack: LocalStack, env: Mapping[str, str]) -> WorkerService:
    port = settings.query.port or stack.port("query-0")
    if stack.state().find("query-0") is None and free_port(port) != port:
        raise StartFailed(f"port {port} is taken by another program: choose one with --port or VITRINE_QUERY_PORT")
    address = {"VITRINE_QUERY_HOST": settings.query.host, "VITRINE_QUERY_PORT": str(port)}
    # The worker runs in the data directory.
    for name in ("synonyms", "api_keys_file", "token_secret_file", "ssl_certfile", "ssl_keyfile"):
        if path := getattr(settings.query, name):
            address[environment_variable(f"query.{name}")] = str(Path(path).absolute())
    if settings.query.jwks_url and "://" not in settings.query.jwks_url:
        address["VITRINE_QUERY_JWKS_URL"] = str(Path(settings.query.jwks_url).absolute())
    url = configured_url(settings.query, port)
    ready_at = operations_url(settings) if settings.query.ops_port else url
    return WorkerService("query-0", ["query"], url, settings.data_dir, {**env, **address}, ready_at)
