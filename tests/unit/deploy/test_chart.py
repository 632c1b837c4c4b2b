"""The chart: what it renders is valid, and true to the settings, topics and secrets of the code."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils

from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from tests.charts import CHART, EXAMPLES, Resource, containers, examples, of_kind, pods, rendering, run_helm
from tests.settings_schema import VALUES_SCHEMA, settings_schema
from vitrine.settings import Settings, load_settings

KUBERNETES_VERSIONS = ("1.31", "1.34")
SCHEMAS = Path(__file__).parent / "schemas"
SECRETS = {
    "milvus-token": "user:password",
    "redis-url": "redis://vitrine:password@redis:6379/0",
    "redis-username": "vitrine",
    "privacy-secret": "a" * 64,
    "media-access-key-id": "vitrine",
    "media-secret-access-key": "secret",
    "token-secret": "2026-01:" + "b" * 64,
    "username": "vitrine",
}


@pytest.fixture(scope="module", autouse=True)
def definitions_read_once() -> Iterator[None]:
    """kubernetes_validate reads megabytes of definitions anew for each resource: four fifths of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", functools.cache(utils.schema_contents))
        yield


@examples
def test_helm_finds_no_fault(example: str) -> None:
    done = run_helm("lint", "--strict", CHART, values=EXAMPLES[example])
    assert done.returncode == 0, done.stdout + done.stderr


@examples
def test_a_resource_is_valid_against_the_schema(example: str) -> None:
    for resource in rendering(example):
        check(json.dumps(resource))


@functools.cache
def check(text: str) -> None:
    """Validate a resource; once, where several examples have the same."""
    resource = json.loads(text)
    schema = SCHEMAS / f"{resource['kind']}.json"
    if schema.exists():
        jsonschema.validate(resource, json.loads(schema.read_text()))
    else:
        for version in KUBERNETES_VERSIONS:
            kubernetes_validate.validate(resource, version, strict=True)


def test_the_schemas_of_others_refuse_what_their_operators_would() -> None:
    scaled = of_kind("default", "ScaledObject")["indexing"]
    wrong = json.loads(json.dumps(scaled))
    wrong["spec"]["maxReplicas"] = wrong["spec"].pop("maxReplicaCount")
    with pytest.raises(jsonschema.ValidationError, match="maxReplicas"):
        jsonschema.validate(wrong, json.loads((SCHEMAS / "ScaledObject.json").read_text()))


def settings_of(example: str, component: str, container: Resource, directory: Path) -> Settings:
    """What the program makes of a container's files and variables, as Kubernetes would hand them over."""
    text = of_kind(example, "ConfigMap")["vitrine"]["data"]["vitrine.toml"]
    (file := directory / "vitrine.toml").write_text(text)
    logs_in = "sasl_mechanism" in text
    environ: dict[str, str] = {}
    for variable in container["env"]:
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference is None:
            environ[variable["name"]] = variable["value"]
        elif logs_in or reference["key"] != "username":
            environ[variable["name"]] = SECRETS[reference["key"]]
    return load_settings(environ, file)


@examples
def test_the_program_takes_the_settings_of_every_container(example: str, tmp_path: Path) -> None:
    for component, pod in pods(example).items():
        for container in containers(pod):
            assert container["workingDir"] == "/etc/vitrine"
            settings = settings_of(example, component, container, tmp_path)
            assert settings.milvus.uri and settings.kafka.bootstrap_servers
            assert settings.redis.url or container["name"] == "encoder"
            ports = {port["containerPort"] for port in container.get("ports", [])}
            answers = {
                "query": {settings.query.port, settings.query.ops_port},
                "indexing": {settings.indexing.health_port},
                "standby": {settings.indexing.health_port},
            }
            assert ports == (
                {settings.encoder.health_port} if container["name"] == "encoder" else answers.get(component, set())
            )


def test_values_are_checked_by_the_settings_there_are() -> None:
    assert json.loads(VALUES_SCHEMA.read_text())["$defs"]["settings"] == settings_schema(), (
        "python -m tests.settings_schema writes it anew"
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"settings": {"kafka": {"bootstrap_server": "kafka:9092"}}}, "bootstrap_server"),
        ({"indexing": {"scaling": {"maximum": 3}}}, "maximum"),
        ({"indexing": {"scaling": {"max": 7}}}, "settings.kafka.partitions = 6"),
        ({"jobs": {"reindex": {"enabled": True}}}, "standby.replicas"),
        ({"jobs": {"export": {"enabled": True}}}, "jobs.export.claim"),
    ],
)
def test_values_that_cannot_work_are_refused_by_name(values: dict[str, Any], told: str, tmp_path: Path) -> None:
    (file := tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    done = run_helm("template", "vitrine", CHART, values=file)
    assert done.returncode and told in done.stderr


@examples
def test_no_secret_is_in_what_is_rendered(example: str) -> None:
    assert not of_kind(example, "Secret")
    for pod in pods(example).values():
        for container in containers(pod):
            literal = [variable["name"] for variable in container["env"] if "value" in variable]
            assert not [name for name in literal if name.endswith(("TOKEN", "PASSWORD", "SECRET", "URL"))]


def test_the_scaler_reads_the_lag_that_a_query_worker_tells() -> None:
    scaled, service = of_kind("default", "ScaledObject")["indexing"], of_kind("default", "Service")["query-ops"]
    triggers = [trigger["metadata"] for trigger in scaled["spec"]["triggers"]]
    assert {trigger["valueLocation"] for trigger in triggers} == {
        "lag." + topic.replace(".", "_").replace("-", "_") for topic in (PRODUCT_EVENTS, USER_EVENTS)
    }
    port = service["spec"]["ports"][0]["port"]
    assert {trigger["url"] for trigger in triggers} == {f"http://vitrine-query-ops.vitrine.svc:{port}/readyz"}
    scaled_deployment = of_kind("default", "Deployment")[
        scaled["spec"]["scaleTargetRef"]["name"].removeprefix("vitrine-")
    ]
    assert "replicas" not in scaled_deployment["spec"]


def test_query_workers_of_a_cluster_ask_for_keys_and_only_searches_are_public(tmp_path: Path) -> None:
    for example in set(EXAMPLES) - {"laptop"}:
        (container,) = pods(example)["query"]["spec"]["containers"]
        settings = settings_of(example, "query", container, tmp_path)
        assert settings.query.require_keys and not settings.query.open
        assert settings.query.ops_port != settings.query.port
        public = of_kind(example, "Service")["query"]
        assert [port["targetPort"] for port in public["spec"]["ports"]] == ["http"]
