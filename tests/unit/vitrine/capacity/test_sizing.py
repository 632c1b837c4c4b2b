"""Sizes follow demands: never less for more, never nothing, and in the units that they say."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrine.capacity.demand import Demand
from vitrine.capacity.machines import Machines
from vitrine.capacity.measured import Unusable, from_file, shipped
from vitrine.capacity.sizing import busy_cores, plan
from vitrine.cli import main

MEASURED = shipped()
few = settings(max_examples=50, deadline=None)
demands = st.builds(
    Demand,
    products=st.integers(1, 10**9),
    events_per_s=st.floats(0, 1e6),
    content_share=st.floats(0, 1),
    clicks_per_s=st.floats(0, 1e6),
    queries_per_s=st.floats(0, 1e6),
    cached_share=st.floats(0, 1),
    shoppers=st.integers(0, 10**9),
    dim=st.sampled_from([64, 128, 768]),
)
machines = st.builds(Machines, gpu=st.booleans(), spare=st.integers(0, 3), busy_share=st.floats(0.1, 1))
MORE = ("products", "events_per_s", "clicks_per_s", "queries_per_s", "shoppers", "dim", "content_bytes")


@few
@given(demands, machines, st.sampled_from(MORE), st.integers(1, 50))
def test_more_of_anything_never_takes_less_of_anything(demand: Demand, some: Machines, name: str, more: int):
    less, greater = (
        plan(one, MEASURED, some) for one in (demand, replace(demand, **{name: getattr(demand, name) + more}))
    )
    for need in less.needs:
        assert greater.amount(need.what) >= need.amount * (1 - 1e-9), need
    assert greater.cost_a_month >= less.cost_a_month * (1 - 1e-9)


@few
@given(demands, machines)
def test_nothing_that_is_needed_is_none_of(demand: Demand, some: Machines):
    found = plan(demand, MEASURED, some)
    for need in found.needs:
        may_be_none = (need.what == "GPUs" and not some.gpu) or need.what == "Kafka disk"
        assert math.isfinite(need.amount) and need.amount >= 0 and (need.amount > 0 or may_be_none), need
    assert found.cost_a_month > 0


@few
@given(demands, machines)
def test_no_part_is_busier_than_it_may_be(demand: Demand, some: Machines):
    found = plan(demand, MEASURED, some)
    held = {
        "worker": found.amount("indexing workers"),
        "query": found.amount("query processes"),
        "milvus": found.amount("Milvus nodes") * some.milvus_cores,
        "redis": found.amount("Redis servers"),
    }
    for part, cores in held.items():
        assert found.busy[part] <= cores * some.busy_share * (1 + 1e-9), part
    assert found.amount("partitions") >= found.amount("indexing workers")


@few
@given(demands)
def test_work_adds_up(demand: Demand):
    """Twice the rates are twice the work, above what is done without any."""
    rates = {name: 2 * getattr(demand, name) for name in ("events_per_s", "clicks_per_s", "queries_per_s")}
    once, twice = busy_cores(demand, MEASURED), busy_cores(replace(demand, **rates), MEASURED)
    idle = {part: MEASURED.seconds["idle"].get(part, 0.0) for part in once}
    assert twice == pytest.approx({part: 2 * cores - idle[part] for part, cores in once.items()})


def test_disk_is_what_the_average_writes_in_the_days_that_it_is_kept():
    demand = Demand(products=1000, events_per_s=90, content_share=0, change_bytes=500, peak_over_average=3)
    found = plan(demand, MEASURED, Machines(kept_days=10, replicas=2))
    # An event and the record of its index change, 30 a second on average.
    assert found.amount("Kafka disk") == pytest.approx(30 * 2 * 500 * 10 * 86_400 * 2 / 1e9)


def test_own_service_times_take_the_place_of_those_that_they_name(tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text('where = "ours"\nassumed = []\n[seconds.content]\nencoder = 0.5\n')
    measured = from_file(own)
    assert (measured.where, measured.seconds["content"]["encoder"]) == ("ours", 0.5)
    assert measured.seconds["content"]["worker"] == MEASURED.seconds["content"]["worker"]
    for text, named in (
        ("products = 0", "products"),
        ("[seconds.magic]\nworker = 1", "magic"),
        ("a = 1", "a"),
        ("[", "no table"),
    ):
        own.write_text(text)
        with pytest.raises(Unusable, match=named):
            from_file(own)


def test_the_command_prints_a_table_and_json_and_names_what_cannot_be():
    run = CliRunner().invoke
    asked = ["capacity", "--products", "1e7", "--events", "1000", "--queries", "500", "--shoppers", "1e8"]
    assert "indexing workers" in run(main, asked).stdout
    report = json.loads(run(main, [*asked, "--gpu", "--machine", "milvus_gb=128", "--json"]).stdout)
    assert report["machines"]["milvus_gb"] == 128
    assert {need["what"]: need["amount"] for need in report["needs"]}["GPUs"] >= 1
    assert "a Redis Cluster, of which one has all profiles" in report["limits"][0]
    assert run(main, ["capacity", "--products", "inf", "--events", "1"]).exit_code == 2
    refused = run(main, ["capacity", "--products", "0", "--events", "1", "--price", "beer=1"])
    assert refused.exit_code == 2 and "products = 0" in refused.output
    assert "beer" in run(main, ["capacity", "--products", "1", "--events", "1", "--price", "beer=1"]).output
