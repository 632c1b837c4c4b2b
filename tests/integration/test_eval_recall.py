"""`vitrine eval recall` over a real Milvus."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from encoders.port import HashEncoder
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.limits import MilvusLimits
from indexer.milvus.store import open_active_store
from tests import milvus3
from tests.shop import Shop
from vitrine.cli import main

PRODUCTS = 40


async def run(tmp_path: Path, address: str, report: Path) -> Result:
    """The command in a thread, for it has an event loop of its own."""
    options = ["--data-dir", str(tmp_path / "data"), "eval", "recall", "-k", "5", "--queries", "2", "--json", report]
    # Neither Kafka nor Redis is named, or runs.
    named = ("VITRINE_CONFIG", "VITRINE_KAFKA_BOOTSTRAP_SERVERS", "VITRINE_REDIS_URL")
    environment = dict.fromkeys(named) | {"VITRINE_MILVUS_URI": address}
    return await asyncio.to_thread(CliRunner().invoke, main, [*map(str, options)], env=environment)


async def test_each_search_parameter_of_the_live_index_is_measured_and_one_is_advised(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    limits = MilvusLimits(settle_s=0.0)
    try:
        with milvus3.lite_2_5(tmp_path) as address:
            without_index = await run(tmp_path, address, report)
            assert without_index.exit_code == 1 and "there is no index yet" in without_index.output
            config = replace(MilvusConfig(address, deadline_s=20), index_type="IVF_FLAT", exact_below=0)
            store = await open_active_store(config, HashEncoder().spec, create=True, limits=limits)
            empty = await run(tmp_path, address, report)
            assert empty.exit_code == 1 and "no searchable product is in the index" in empty.output
            with closing(Shop(store=store)) as shop:
                for at in range(PRODUCTS):
                    await shop.put(f"p{at}", title=f"product number {at}", price=float(at))
            await store.close()
            ran = await run(tmp_path, address, report)
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))
    assert ran.exit_code == 0, ran.output
    written = json.loads(report.read_text())
    assert (written["index_type"], written["products"], written["k"]) == ("IVF_FLAT", PRODUCTS, 5)
    tried = [trial["parameters"] for trial in written["trials"]]
    assert tried == [{"ivf_nprobe": nprobe} for nprobe in (32, 64, 128, 256, 512)]
    assert all(row["recall"] == 1.0 for trial in written["trials"] for row in trial["rows"])
    assert written["advice"]["settings"]["milvus.index_type"] == "IVF_FLAT"
    assert "use milvus.index_type = IVF_FLAT" in ran.stdout
