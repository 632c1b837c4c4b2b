"""From what a shop asks for to machines: how busy each part is, how many of it that takes, what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from vitrine.capacity.demand import Demand
from vitrine.capacity.machines import HOURS_A_MONTH, Machines
from vitrine.capacity.measured import PARTS, Measured

GB = 1e9
LEAST_PARTITIONS = 6
PARTITIONS_A_WORKER = 2
"""So that twice the workers find work before partitions have to be added."""
MANY_PARTITIONS, MANY_NODES = 200, 100
CACHED_FOR_S = 60.0
REMEMBERED_PICTURES = 100_000
FLOAT_BYTES, GRAPH_BYTES = 4, 3 * 2 * 16 * 4
"""Of a number of a vector; of a row's places in the graphs over its three vectors, with 16 neighbours (M) each way."""
LOADED_OVER_STORED = 1.3
"""What Milvus takes of memory beside what it has loaded: growing segments, compaction, caches."""
WORKER_GB, QUERY_GB = 1.5, 1.0
LEAST_REDIS_GB = 0.25
TELLS = 1
"""Records of `index-changes` for an event."""


@dataclass(frozen=True, slots=True)
class Need:
    """One line of a plan."""

    what: str
    amount: float
    unit: str
    because: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a demand takes."""

    busy: dict[str, float]
    """Processor seconds a second at the peak, by part: cores that are wholly busy, without any to spare."""
    index: str
    """How vectors are searched: `FLAT` or `HNSW`."""
    needs: tuple[Need, ...]
    cost_a_month: float
    limits: tuple[str, ...]
    """Where this program, or what it runs on, has not been taken to."""

    def amount(self, what: str) -> float:
        """So much of something. Raises `KeyError`."""
        return {one.what: one.amount for one in self.needs}[what]


def busy_cores(demand: Demand, measured: Measured) -> dict[str, float]:
    """Processor seconds a second at the peak, by part."""
    busy = dict.fromkeys(PARTS, 0.0)
    for kind, rate in demand.rates().items():
        for part, seconds in measured.seconds.get(kind, {}).items():
            if (kind, part) == ("search", "milvus"):
                seconds = min(_search_seconds(demand, measured).values())
            busy[part] += rate * seconds
    return busy


def _search_seconds(demand: Demand, measured: Measured) -> dict[str, float]:
    """Milvus' time for a search, by index: one looks at every row, the other at every segment's graph."""
    as_measured = measured.seconds["search"].get("milvus", 0.0)
    segments = ceil(demand.products * vector_bytes(demand, "HNSW") / measured.segment_bytes)
    # With a graph, too, words are looked for and rows are read: never less than what the whole took over few products.
    graphs = max(as_measured, segments * measured.graph_search_seconds)
    return {"FLAT": as_measured * demand.products / measured.products, "HNSW": graphs}


def vector_bytes(demand: Demand, index: str) -> float:
    """What a row's vectors take: the joint one and, with a graph, its parts and itself once more, with the graphs."""
    joint = 2 * demand.dim * FLOAT_BYTES
    return joint if index == "FLAT" else 3 * joint + GRAPH_BYTES


def plan(demand: Demand, measured: Measured, machines: Machines) -> Plan:
    """Size everything. What is asked for more of never takes less of anything."""
    busy = busy_cores(demand, measured)
    search = _search_seconds(demand, measured)
    index = min(search, key=lambda name: (search[name], name))
    needs = (*_indexing(demand, measured, machines, busy), *_servers(demand, measured, machines, busy))
    amounts = {one.what: one.amount for one in needs}
    return Plan(busy, index, needs, _cost(amounts, machines), tuple(_limits(amounts)))


def _limits(amounts: dict[str, float]) -> Iterator[str]:
    if (servers := amounts["Redis servers"]) > 1:
        yield (
            f"{servers:.0f} Redis servers: a Redis Cluster, of which one has all profiles; sessions and caches are "
            "divided among them, 32 at most"
        )
    if (partitions := amounts["partitions"]) > MANY_PARTITIONS:
        yield f"{partitions:,.0f} partitions: more than any consumer group of these workers was tried with"
    if (nodes := amounts["Milvus nodes"]) > MANY_NODES:
        yield f"{nodes:,.0f} Milvus nodes: partition the catalogue into several indexes, or answer more from the cache"


def _number(busy: float, machines: Machines, cores: float = 1.0) -> int:
    """So many machines of some cores for a load, with one to spare."""
    return max(1, ceil(busy / machines.busy_share / cores)) + machines.spare


def _indexing(demand: Demand, measured: Measured, machines: Machines, busy: dict[str, float]) -> Iterator[Need]:
    workers = _number(busy["worker"], machines)
    because = f"an event loop each, {busy['worker']:.2f} s of work a second, {machines.spare} to spare"
    yield Need("partitions", max(LEAST_PARTITIONS, PARTITIONS_A_WORKER * workers), "", "two for each indexing worker")
    yield Need("indexing workers", workers, "processes", because)
    rates = demand.rates()
    host_cores = (busy["worker"] + busy["decoding"]) / machines.busy_share + machines.spare
    if machines.gpu:
        gpus = _number(rates["content"] * measured.device_seconds, machines)
        yield Need("GPUs", gpus, "", f"{rates['content']:.0f} products/s at {measured.device_seconds * 1e6:.0f} µs")
    else:
        host_cores += busy["encoder"] / machines.busy_share
        yield Need("GPUs", 0, "", "encoders run on cores")
    yield Need(
        "indexing cores", max(1, ceil(host_cores)), "cores", "event loops, decoding" + ", encoders" * (not machines.gpu)
    )
    yield Need("query processes", _number(busy["query"], machines), "processes", f"{busy['query']:.2f} cores busy")


def _servers(demand: Demand, measured: Measured, machines: Machines, busy: dict[str, float]) -> Iterator[Need]:
    # Memory as for a graph wherever that may be chosen: with the index, memory would fall where searches get cheaper.
    row = measured.storage.row + vector_bytes(demand, "HNSW")
    memory = demand.products * row * LOADED_OVER_STORED / GB
    nodes_gb = memory / machines.full_share / machines.milvus_gb
    nodes = max(1, ceil(nodes_gb), ceil(busy["milvus"] / machines.busy_share / machines.milvus_cores)) + machines.spare
    yield Need("Milvus memory", memory, "GB", f"{row / 1e3:.1f} KB a product, 1.3 times")
    yield Need("Milvus nodes", nodes, "nodes", f"{machines.milvus_gb:.0f} GB, {machines.milvus_cores} cores each")
    redis = max(LEAST_REDIS_GB, _redis_bytes(demand, measured) / GB)
    yield Need("Redis memory", redis, "GB", "cached searches, shoppers, sessions, pictures")
    shards = ceil(redis / machines.full_share / machines.redis_gb)
    servers = max(shards, ceil(busy["redis"] / machines.busy_share))
    yield Need("Redis servers", servers, "servers", f"{machines.redis_gb:.0f} GB, one busy core each; replicas beside")
    disk = _kafka_bytes(demand, machines) / GB
    brokers = max(
        machines.replicas,
        ceil(disk / machines.full_share / machines.broker_disk_gb),
        _number(busy["kafka"] * machines.replicas, machines, cores=4),
    )
    yield Need("Kafka disk", disk, "GB", f"{machines.kept_days:.0f} days, {machines.replicas} replicas")
    yield Need("Kafka brokers", brokers, "brokers", f"{machines.broker_disk_gb:.0f} GB, 4 cores each")


def _redis_bytes(demand: Demand, measured: Measured) -> float:
    storage = measured.storage
    return (
        demand.rates()["search"] * CACHED_FOR_S * storage.cached_search
        + demand.shoppers * storage.shopper
        + (demand.products * storage.product_sessions if demand.shoppers else 0)
        + min(demand.products, REMEMBERED_PICTURES) * storage.remembered_picture
    )


def _kafka_bytes(demand: Demand, machines: Machines) -> float:
    """What topics keep on all disks together."""
    rates = demand.rates()
    told = demand.events_per_s * TELLS * demand.change_bytes
    peak = rates["content"] * demand.content_bytes + (rates["change"] + rates["click"]) * demand.change_bytes + told
    return peak / demand.peak_over_average * machines.kept_days * 86_400 * machines.replicas


def _cost(amounts: dict[str, float], machines: Machines) -> float:
    """A month of all of it, at the prices given."""
    milvus, brokers = amounts["Milvus nodes"], amounts["Kafka brokers"]
    cores = amounts["indexing cores"] + amounts["query processes"] + milvus * machines.milvus_cores
    cores += amounts["Redis servers"] + brokers * 4
    gigabytes = amounts["indexing workers"] * WORKER_GB + amounts["query processes"] * QUERY_GB
    gigabytes += milvus * machines.milvus_gb + amounts["Redis memory"] / machines.full_share + brokers * 16
    hourly = cores * machines.core_hour + gigabytes * machines.gb_hour + amounts["GPUs"] * machines.gpu_hour
    return hourly * HOURS_A_MONTH + amounts["Kafka disk"] / machines.full_share * machines.disk_gb_month
