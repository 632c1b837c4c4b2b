"""A search engine behind the least of HTTP: `python engine_service.py ENGINE DIRECTORY PORT [MILVUS_URI]`.

Runs in an environment that has the engine, and imports nothing of the project unless the engine needs it. In DIRECTORY
are `vectors.npy` (n, d), `cards.json`, `queries.npy` (m, d) and `texts.json`. `GET /N` answers with the ten nearest
products of query N and their cards, `GET /` with how many products a second were indexed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

K = 10
BATCH = 1_000
EXACT_ENOUGH = {"ef_construction": 200, "ef_search": 100, "max_neighbors": 32}
"""chromadb's graph: with these it finds as much as an exact search does, at no more cost than it must."""


class Chroma:
    """chromadb, in the process."""

    def __init__(self) -> None:
        import chromadb

        self.library = chromadb

    async def index(self, directory: Path, vectors: Any, cards: Sequence[dict[str, Any]]) -> None:
        self.shown = {card["product_id"]: card for card in cards}
        client = self.library.PersistentClient(str(directory / "chroma"))
        self.collection = client.create_collection("products", configuration={"hnsw": {"space": "ip", **EXACT_ENOUGH}})
        for start in range(0, len(cards), BATCH):
            ids = [card["product_id"] for card in cards[start : start + BATCH]]
            self.collection.add(ids, vectors[start : start + BATCH])

    async def search(self, number: int, query: Any) -> list[dict[str, Any]]:
        found = self.collection.query(query_embeddings=query[None], n_results=K, include=["distances"])
        return [self.shown[one] for one in found["ids"][0]]


class Lance:
    """lancedb, in the process, without an index: an exact search."""

    def __init__(self) -> None:
        import lancedb
        import pyarrow

        self.library, self.arrow = lancedb, pyarrow

    async def index(self, directory: Path, vectors: Any, cards: Sequence[dict[str, Any]]) -> None:
        database = await self.library.connect_async(str(directory / "lance"))
        flat = self.arrow.FixedSizeListArray.from_arrays(self.arrow.array(vectors.ravel()), vectors.shape[1])
        columns = {"vector": flat, "card": [json.dumps(card) for card in cards]}
        self.table = await database.create_table("products", self.arrow.table(columns))

    async def search(self, number: int, query: Any) -> list[dict[str, Any]]:
        asked = self.table.vector_search(query).distance_type("dot").limit(K).select(["card", "_distance"])
        return [json.loads(one["card"]) for one in await asked.to_list()]


class Milvus:
    """Bare calls of a Milvus server, as its own client makes them."""

    collection = "bench_products"

    def __init__(self, uri: str) -> None:
        self.uri = uri

    async def index(self, directory: Path, vectors: Any, cards: Sequence[dict[str, Any]]) -> None:
        from pymilvus import AsyncMilvusClient, DataType, MilvusClient

        client = MilvusClient(self.uri, dedicated=True)
        client.drop_collection(self.collection)
        schema = MilvusClient.create_schema(enable_dynamic_field=False)
        schema.add_field("product_id", DataType.VARCHAR, max_length=64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        schema.add_field("card", DataType.VARCHAR, max_length=8_192)
        index = MilvusClient.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="IP")
        client.create_collection(self.collection, schema=schema, index_params=index)
        for start in range(0, len(cards), BATCH):
            part = range(start, min(start + BATCH, len(cards)))
            client.insert(self.collection, [self.row(at, vectors, cards[at]) for at in part])
        self.client = AsyncMilvusClient(self.uri, dedicated=True)

    def row(self, at: int, vectors: Any, card: dict[str, Any]) -> dict[str, Any]:
        return {"product_id": card["product_id"], "vector": vectors[at], "card": json.dumps(card)}

    async def search(self, number: int, query: Any) -> list[dict[str, Any]]:
        found = await self.client.search(self.collection, [query], limit=K, output_fields=["card"])
        return [json.loads(one["entity"]["card"]) for one in found[0]]


class Script(Milvus):
    """What a shop would write: the texts encoded one batch after another and inserted; a query encoded, and searched.

    The encoder is the one that the product has, as its library loads it.
    """

    collection = "bench_script"

    def __init__(self, uri: str, texts: Sequence[str], encoder: str) -> None:
        super().__init__(uri)
        from encoders.loading import load_encoder

        self.encoder, self.texts = load_encoder(encoder), texts
        self.thread = ThreadPoolExecutor(1)

    async def index(self, directory: Path, vectors: Any, cards: Sequence[dict[str, Any]]) -> None:
        titles = [card["title"] for card in cards]
        for start in range(0, len(titles), 64):
            self.encoder.encode_texts(titles[start : start + 64])
        await super().index(directory, vectors, cards)

    async def search(self, number: int, query: Any) -> list[dict[str, Any]]:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self.thread, self.encoder.encode_texts, [self.texts[number]])
        return await super().search(number, query)


class Service:
    """The application."""

    def __init__(self, engine: Any, directory: Path) -> None:
        self.engine, self.directory = engine, directory
        self.queries = np.load(directory / "queries.npy")
        self.indexed_per_s = 0.0

    async def index(self) -> None:
        vectors, cards = (
            np.load(self.directory / "vectors.npy"),
            json.loads((self.directory / "cards.json").read_text()),
        )
        began_s = time.perf_counter()
        await self.engine.index(self.directory, vectors, cards)
        self.indexed_per_s = len(cards) / (time.perf_counter() - began_s)

    async def __call__(
        self, scope: dict[str, Any], receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        asked = scope["path"][1:]
        if asked:
            number = int(asked) % len(self.queries)
            body = json.dumps({"hits": await self.engine.search(number, self.queries[number])})
        else:
            body = json.dumps(self.indexed_per_s)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body.encode()))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})


async def run(name: str, directory: Path, port: int, uri: str, encoder: str) -> None:
    """Index, then answer until it is told to stop."""
    texts = json.loads((directory / "texts.json").read_text())
    made: dict[str, Callable[[], Any]] = {
        "chromadb": Chroma,
        "lancedb": Lance,
        "milvus": lambda: Milvus(uri),
        "script": lambda: Script(uri, texts, encoder),
    }
    service = Service(made[name](), directory)
    await service.index()
    config = uvicorn.Config(service, port=port, http="httptools", ws="none", lifespan="off", log_config=None)
    config.access_log = False
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    import uvloop

    uvloop.run(run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), *[*sys.argv[4:], "", ""][:2]))
