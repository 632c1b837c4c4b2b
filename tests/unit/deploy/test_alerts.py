"""Alerts: each fires when it should and has its page in the runbook; what they and the dashboard ask for is there."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.registry import REGISTRY

from encoders.liveness.vitals import Vitals
from tests.monitoring import DASHBOARDS, RULES, asked_metrics, expressions, rules
from tests.paths import ROOT
from vitrine.wiring.costs import CostCollector
from vitrine.wiring.vital_signs import VitalsCollector

RUNBOOK = ROOT / "docs" / "runbook.md"
TOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(TOOL is None, reason="promtool is not installed: apt-get install prometheus")

FRESHNESS = "vitrine_event_to_searchable_seconds"
WELL = {
    f'{FRESHNESS}_bucket{{since="kafka",le="30.0",instance="a"}}': "0+100x80",
    f'{FRESHNESS}_count{{since="kafka",instance="a"}}': "0+100x80",
    'vitrine_index_age_seconds{instance="q"}': "2x80",
    'vitrine_http_requests_total{route="SearchRoutes.search",status="200",instance="q"}': "0+1000x80",
    'vitrine_http_request_seconds_bucket{route="SearchRoutes.search",le="0.5",instance="q"}': "0+1000x80",
    'vitrine_http_request_seconds_count{route="SearchRoutes.search",instance="q"}': "0+1000x80",
    'vitrine_queries_total{cache="hit",instance="q"}': "0+1000x80",
    'vitrine_alive{instance="a"}': "1x80",
    'vitrine_ready{instance="a"}': "1x80",
    'vitrine_unacknowledged_events{instance="a",job="i"}': "64x80",
    'vitrine_dead_letters_total{reason="invalid",instance="a"}': "3x80",
    'vitrine_media_collections_total{outcome="done",instance="a"}': "0+0.1x80",
    'vitrine_products_total{change="created",instance="a"}': "0+6000x80",
    'vitrine_cpu_seconds_total{instance="a",job="i"}': "0+12x80",
    'vitrine_cpu_seconds_total{instance="q",job="q"}': "0+60x80",
    'vitrine_device_seconds_total{instance="a",job="i"}': "0+30x80",
}
"""The first hour and a quarter of a shop in which all is well, a sample a minute."""


class Case(NamedTuple):
    """What is otherwise, and who tells of it at its end."""

    alert: str
    series: dict[str, str]
    """In place of those that are well, or beside them."""
    labels: dict[str, str]


GONE = "stale"
PAGE, TICKET = {"severity": "page"}, {"severity": "ticket"}
CASES = (
    Case("VitrineFreshnessBurn", {f'{FRESHNESS}_bucket{{since="kafka",le="30.0",instance="a"}}': "0+80x80"}, PAGE),
    Case("VitrineFreshnessBurn", {f'{FRESHNESS}_bucket{{since="kafka",le="30.0",instance="a"}}': "0+92x80"}, TICKET),
    Case("VitrineLagBurn", {'vitrine_index_age_seconds{instance="q"}': "90x80"}, PAGE),
    Case("VitrineLagBurn", {'vitrine_index_age_seconds{instance="q"}': "90 2x8 " * 8}, TICKET),
    Case(
        "VitrineAvailabilityBurn",
        {'vitrine_http_requests_total{route="SearchRoutes.search",status="503",instance="q"}': "0+20x80"},
        PAGE,
    ),
    Case(
        "VitrineAvailabilityBurn",
        {'vitrine_http_requests_total{route="SearchRoutes.search",status="500",instance="q"}': "0+8x80"},
        TICKET,
    ),
    Case(
        "VitrineLatencyBurn",
        {'vitrine_http_request_seconds_bucket{route="SearchRoutes.search",le="0.5",instance="q"}': "0+800x80"},
        PAGE,
    ),
    Case(
        "VitrineLatencyBurn",
        {'vitrine_http_request_seconds_bucket{route="SearchRoutes.search",le="0.5",instance="q"}': "0+920x80"},
        TICKET,
    ),
    Case("VitrineNotReady", {'vitrine_ready{instance="a"}': "0x80"}, {"instance": "a"} | TICKET),
    Case("VitrineStuck", {'vitrine_alive{instance="a"}': "0x80"}, {"instance": "a"} | PAGE),
    Case(
        "VitrineServerAway",
        {'vitrine_server_away_seconds{server="milvus",instance="a"}': "0+60x80"},
        {"server": "milvus"} | PAGE,
    ),
    Case("VitrineNoIndexingWorker", {'vitrine_unacknowledged_events{instance="a",job="i"}': GONE}, PAGE),
    Case("VitrineIndexAgeUnknown", {'vitrine_index_age_seconds{instance="q"}': GONE}, TICKET),
    Case(
        "VitrineDeadLetters",
        {'vitrine_dead_letters_total{reason="invalid",instance="a"}': "0+1x80"},
        {"reason": "invalid"} | TICKET,
    ),
    Case(
        "VitrineRetries",
        {'vitrine_retries_total{server="redis",instance="a"}': "0+30x80"},
        {"server": "redis"} | TICKET,
    ),
    Case("VitrineLateWrites", {'vitrine_late_writes_repaired_total{instance="a"}': "0+1x80"}, TICKET),
    Case("VitrineOverload", {'vitrine_http_refused_total{reason="overload",instance="q"}': "0+60x80"}, PAGE),
    Case(
        "VitrineDegraded", {'vitrine_degraded_total{part="cache",instance="q"}': "0+500x80"}, {"part": "cache"} | TICKET
    ),
    Case(
        "VitrineEventLoopBlocked",
        {'vitrine_event_loop_delay_seconds{instance="a"}': "7x80"},
        {"instance": "a"} | TICKET,
    ),
    Case(
        "VitrineMediaNotCollected",
        {
            'vitrine_media_collections_total{outcome="done",instance="a"}': "5x80",
            'vitrine_media_collections_total{outcome="refused",instance="a"}': "0+0.1x80",
        },
        TICKET,
    ),
)


def alerts() -> dict[tuple[str, str], dict[str, Any]]:
    """By name and severity."""
    return {(rule["alert"], rule["labels"]["severity"]): rule for rule in rules() if "alert" in rule}


def together(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases in as few runs as can be: those of a run are of different alerts, and of different series."""
    runs: list[list[Case]] = []
    for case in cases:
        for run in runs:
            if all(case.alert != one.alert and not case.series.keys() & one.series.keys() for one in run):
                run.append(case)
                break
        else:
            runs.append([case])
    return runs


def promtool_test(cases: Sequence[Case]) -> dict[str, Any]:
    """What promtool is to find: that the alerts of the cases fire as they say; with none, that all are quiet."""
    series = {name: values for case in cases for name, values in case.series.items()}
    told = {case.alert: expected_of(case) for case in cases} or {name: [] for name, _ in alerts()}
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": text} for name, text in (WELL | series).items() if text != GONE],
        "alert_rule_test": [
            {"eval_time": "75m", "alertname": name, "exp_alerts": expected} for name, expected in told.items()
        ],
    }


def expected_of(case: Case) -> list[dict[str, Any]]:
    """A promise that is spent so fast that somebody is woken, is spent fast enough for a ticket, too."""
    severities = [case.labels["severity"]]
    if severities == ["page"] and (case.alert, "ticket") in alerts():
        severities.append("ticket")
    return [
        {"exp_labels": case.labels | {"severity": severity}, "exp_annotations": annotations_of(case, severity)}
        for severity in severities
    ]


def annotations_of(case: Case, severity: str) -> dict[str, str]:
    """With the labels of the case in their places."""
    return {
        key: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: case.labels[found.group(1)], text)
        for key, text in alerts()[case.alert, severity]["annotations"].items()
    }


@needs_promtool
def test_each_alert_fires_when_it_should_and_all_are_quiet_when_all_is_well(tmp_path: Path) -> None:
    assert {(case.alert, case.labels["severity"]) for case in CASES} == alerts().keys()
    costs = {
        "vitrine:cpu_seconds:per_1000_products": 2,
        "vitrine:device_seconds:per_1000_products": 5,
        'vitrine:device_busy:share{instance="a"}': 0.5,
    }
    well = promtool_test([]) | {
        "promql_expr_test": [
            {"expr": name, "eval_time": "75m", "exp_samples": [{"labels": name, "value": value}]}
            for name, value in costs.items()
        ]
    }
    tests = [well, *map(promtool_test, together(CASES))]
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    (file := tmp_path / "alerts.yaml").write_text(yaml.safe_dump(document))
    done = subprocess.run([str(TOOL), "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_its_section_in_the_runbook_and_no_other_is_there() -> None:
    sections = set(re.findall(r"(?m)^## (Vitrine\w+)$", RUNBOOK.read_text()))
    assert sections == {name for name, _ in alerts()}
    for (name, _), rule in alerts().items():
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"


def live_metrics() -> set[str]:
    """The names of all samples that workers have, without `_bucket`, `_sum` and `_count`."""
    for worker in ("indexing_worker", "query_worker"):
        importlib.import_module(f"vitrine.wiring.{worker}")
    own = CollectorRegistry()

    class NoDevice:
        device_s = 0.0

    own.register(VitalsCollector(Vitals()))
    own.register(CostCollector(NoDevice()))
    names: set[str] = set()
    for registry in (REGISTRY, own):
        for family in registry.collect():
            names |= {family.name, f"{family.name}_total"} if family.type == "counter" else {family.name}
    return names


def test_what_is_asked_for_is_there() -> None:
    assert asked_metrics() <= live_metrics()
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for expression in expressions() for name in re.findall(r"\bvitrine:[\w:]+", expression)}
    assert asked <= recorded


def test_dashboards_are_such_as_grafana_takes() -> None:
    assert DASHBOARDS
    for dashboard in DASHBOARDS:
        document = json.loads(dashboard.read_text())
        assert document["uid"] and document["title"] and document["schemaVersion"] >= 39
        ids = [panel["id"] for panel in document["panels"]]
        assert len(set(ids)) == len(ids)
        for panel in document["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24 and panel["title"]
            assert panel["type"] == "row" or all("refId" in target for target in panel["targets"])
