"""What alerts and dashboards ask of Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.charts import CHART

RULES = CHART / "files" / "alerts.yaml"
DASHBOARDS = sorted((CHART / "files" / "dashboards").glob("*.json"))


def rules() -> list[dict[str, Any]]:
    """All rules, those that record and those that alert."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    """Every expression of a rule or a panel."""
    for rule in rules():
        yield rule["expr"]
    for dashboard in DASHBOARDS:
        for panel in json.loads(dashboard.read_text())["panels"]:
            yield from (target["expr"] for target in panel.get("targets", []))


def asked_metrics() -> set[str]:
    """The metrics of workers that they name, as `# TYPE` lines call them."""
    asked = {name for expression in expressions() for name in re.findall(r"\bvitrine_\w+", expression)}
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
