"""An embedded Milvus: Milvus Lite's engine as a server process of its own."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deploy.local.errors import DataDirUnusable, MissingServer
from deploy.local.permissions import private_directory
from deploy.local.services import Service

_MAX_PATH_BYTES = 500
"""SQLite's limit, 512, less the suffixes of the files that it puts beside the database."""


class EmbeddedMilvus(Service):
    """Milvus Lite on the loopback interface, run without its Python wrapper, so that its process is ours to end."""

    name = "milvus"

    def __init__(self, directory: Path, port: int) -> None:
        self._directory = directory
        self.database = directory / "vitrine.db"
        self._port = port
        self.url = f"http://127.0.0.1:{port}"
        self.cwd = directory

    def prepare(self, progress: Callable[[str], None]) -> None:
        package = importlib.util.find_spec("milvus_lite")
        self._libraries = Path(package.origin or "").parent / "lib" if package else Path()
        if not (self._libraries / "milvus").exists():
            raise MissingServer(
                "Milvus Lite 2.5 is not installed: `pip install vitrine[local]`, or use a Milvus that runs: "
                "VITRINE_MILVUS_URI=http://host:19530"
            )
        if len(os.fsencode(self.database)) > _MAX_PATH_BYTES:
            raise DataDirUnusable(
                f"{self.database} is longer than the {_MAX_PATH_BYTES} bytes that Milvus Lite can open: "
                "choose a shorter --data-dir"
            )
        private_directory(self._directory)
        temporary = private_directory(self._directory / "tmp")
        # What a killed engine left there.
        for leftover in temporary.iterdir():
            if not leftover.is_dir():
                leftover.unlink(missing_ok=True)

    @property
    def argv(self) -> list[str]:
        engine = str(self._libraries / "milvus")
        return [engine, str(self.database), f"127.0.0.1:{self._port}", "ERROR"]

    @property
    def env(self) -> Mapping[str, str]:
        libraries = f"{self._libraries}:{os.environ.get('LD_LIBRARY_PATH', '')}"
        temporary = str(self._directory / "tmp")
        # Its log goes where ours looks after it, rather than to files of its own that nobody bounds.
        return {
            **os.environ,
            "LD_LIBRARY_PATH": libraries,
            "TMPDIR": temporary,
            "GLOG_logtostderr": "1",
            "GLOG_minloglevel": "1",
        }

    async def check(self) -> None:
        import grpc.aio
        from pymilvus.grpc_gen import milvus_pb2, milvus_pb2_grpc

        async with grpc.aio.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            # Generated code: it has no types.
            stub: Any = milvus_pb2_grpc.MilvusServiceStub(channel)
            answer = await stub.ShowCollections(milvus_pb2.ShowCollectionsRequest(), timeout=5)
            if answer.status.code:
                raise ConnectionError(f"Milvus answers {answer.status.reason}")
