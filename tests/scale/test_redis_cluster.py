"""A worker before a Redis Cluster of six servers: it ends and says why, instead of trying for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.redis_cluster import redis_cluster
from tests.servers import Servers


@pytest.mark.parametrize("kind", ["indexing", "query"])
def test_workers_refuse_a_redis_cluster(tmp_path: Path, local_servers: Servers, kind: str):
    with redis_cluster(tmp_path / "redis") as url:
        settings = {
            "VITRINE_ENCODER_NAME": "hash",
            "VITRINE_KAFKA_BOOTSTRAP_SERVERS": local_servers.kafka,
            "VITRINE_MILVUS_URI": local_servers.milvus,
            "VITRINE_REDIS_URL": url,
            "VITRINE_DATA_DIR": str(tmp_path),
            "VITRINE_QUERY_PORT": "0",
        }
        argv = [sys.executable, "-P", "-m", "vitrine", "worker", kind]
        ended = subprocess.run(
            argv, env={**os.environ, **settings}, capture_output=True, text=True, timeout=120, check=False
        )
    assert ended.returncode == 1
    assert "this Redis is a cluster" in ended.stderr
