"""The chart: what it renders is valid, unprivileged, and true to the settings, topics, ports and bounds of the code."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils

from encoders.liveness.config import LivenessConfig
from query_api.config import QueryConfig
from query_api.http.readiness import ANSWER_S
from query_api.http.server import DRAIN_S
from streams.config import IndexingConfig, KafkaConfig
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from tests.charts import CHART, EXAMPLES, Resource, containers, of_kind, pods, rendering, run_helm
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
examples = pytest.mark.parametrize("example", EXAMPLES)


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


@examples
def test_a_pod_has_no_rights_and_bounded_disks(example: str) -> None:
    for pod in pods(example).values():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False and spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
        disks = [volume["emptyDir"] for volume in spec["volumes"] if "emptyDir" in volume]
        on_disk = sum(int(one["sizeLimit"].removesuffix("Gi")) for one in disks if "medium" not in one)
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert on_disk < int(container["resources"]["limits"]["ephemeral-storage"].removesuffix("Gi"))


@examples
def test_a_pod_that_leaves_has_the_time_that_its_worker_takes(example: str) -> None:
    indexing, query = (pods(example)[component]["spec"] for component in ("indexing", "query"))
    drain_s = IndexingConfig().drain_s
    # The batches under way, then those partitions that are given away meanwhile; and a moment to leave the group.
    assert indexing["terminationGracePeriodSeconds"] >= 2 * drain_s + 5
    (container,) = query["containers"]
    leaving = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert query["terminationGracePeriodSeconds"] >= leaving + DRAIN_S + 5


def test_the_time_to_leave_follows_the_setting(tmp_path: Path) -> None:
    (file := tmp_path / "values.yaml").write_text(yaml.safe_dump({"settings": {"indexing": {"drain_s": 44.5}}}))
    rendered = yaml.safe_load_all(run_helm("template", "vitrine", CHART, values=file).stdout)
    times = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for one in rendered
        if one and one["kind"] == "Deployment"
    }
    assert times["vitrine-indexing"] == times["vitrine-standby"] == 2 * math.ceil(44.5) + 10


@examples
def test_probes_fit_the_bounds_of_liveness(example: str) -> None:
    bounds = LivenessConfig()
    workers = [container for pod in pods(example).values() for container in containers(pod) if "ports" in container]
    for container in workers:
        liveness, startup = container["livenessProbe"], container["startupProbe"]
        probes = [liveness, startup]
        # A restart comes within twice the bound; a rebalance, a pause of the group's coordinator, brings none.
        patience_s = liveness["periodSeconds"] * liveness["failureThreshold"]
        assert KafkaConfig().session_timeout_s < patience_s <= bounds.stuck_s
        assert startup["periodSeconds"] * startup["failureThreshold"] >= bounds.restart_s
        assert startup["httpGet"]["path"] == "/healthz"
        if container["name"] != "encoder":
            probes.append(readiness := container["readinessProbe"])
            assert readiness["periodSeconds"] * readiness["failureThreshold"] <= bounds.slow_s
        for probe in probes:
            assert ANSWER_S + QueryConfig().redis_deadline_s < probe["timeoutSeconds"] <= probe["periodSeconds"]
            assert probe["httpGet"]["port"] in {port["name"] for port in container["ports"]} - {"http"}


def test_query_workers_of_a_cluster_ask_for_keys_and_only_searches_are_public(tmp_path: Path) -> None:
    for example in set(EXAMPLES) - {"laptop"}:
        (container,) = pods(example)["query"]["spec"]["containers"]
        settings = settings_of(example, "query", container, tmp_path)
        assert settings.query.require_keys and not settings.query.open
        assert settings.query.ops_port != settings.query.port
        public = of_kind(example, "Service")["query"]
        assert [port["targetPort"] for port in public["spec"]["ports"]] == ["http"]


def test_pods_may_reach_only_what_they_need() -> None:
    policies = {name: policy["spec"] for name, policy in of_kind("default", "NetworkPolicy").items()}
    everybody = {"app.kubernetes.io/name": "vitrine", "app.kubernetes.io/instance": "vitrine"}
    assert policies["default-deny"] == {
        "podSelector": {"matchLabels": everybody},
        "policyTypes": ["Ingress", "Egress"],
    }
    assert [name for name, spec in policies.items() if "ipBlock" in str(spec.get("egress"))] == ["indexing"]
    (block, _) = policies["indexing"]["egress"][0]["to"]
    refused = [ip_network(cidr) for cidr in block["ipBlock"]["except"]]
    for inside in ("10.1.2.3", "127.0.0.1", "169.254.169.254", "168.63.129.16", "192.0.0.192", "100.100.100.200"):
        assert any(ip_address(inside) in network for network in refused), inside
    assert not any(ip_address("93.184.216.34") in network for network in refused)


@examples
def test_selectors_select_pods_and_name_ports_that_exist(example: str) -> None:
    components = pods(example)
    ports = {port["name"] for pod in components.values() for one in containers(pod) for port in one.get("ports", [])}
    named: set[str] = set()
    for policy in of_kind(example, "NetworkPolicy").values():
        named |= {port["port"] for rule in policy["spec"].get("ingress", []) for port in rule["ports"]}
    assert named in (ports, set())
    for kind in ("Service", "PodDisruptionBudget", "Deployment"):
        for resource in of_kind(example, kind).values():
            selector = resource["spec"]["selector"]
            wanted = selector.get("matchLabels", selector)
            pod = components[wanted["app.kubernetes.io/component"]]
            assert wanted.items() <= pod["metadata"]["labels"].items()
            if kind == "Service":
                there = {port["name"] for container in containers(pod) for port in container["ports"]}
                assert {port["targetPort"] for port in resource["spec"]["ports"]} <= there


def test_workers_beside_an_encoder_service_are_as_one_without_but_for_their_ports() -> None:
    (plain,) = pods("default")["indexing"]["spec"]["containers"]
    spec = pods("gpu")["indexing"]["spec"]
    (encoder,) = spec["initContainers"]
    socket = encoder["env"][0]
    assert encoder["restartPolicy"] == "Always" and encoder["resources"]["limits"]["nvidia.com/gpu"] == 1
    for worker in spec["containers"]:
        assert "nvidia.com/gpu" not in str(worker["resources"]) and socket in worker["env"]
        assert all(one in worker["env"] for one in plain["env"])
        for part in ("args", "workingDir", "resources", "securityContext"):
            assert worker[part] == plain[part]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert worker[probe] == plain[probe] | {"httpGet": worker[probe]["httpGet"]}
    numbers = [port["containerPort"] for one in [encoder, *spec["containers"]] for port in one["ports"]]
    assert len(set(numbers)) == len(numbers) == 5


def test_a_changed_setting_starts_the_pods_anew_and_a_changed_job_has_another_name(tmp_path: Path) -> None:
    (file := tmp_path / "values.yaml").write_text(yaml.safe_dump({"settings": {"kafka": {"partitions": 7}}}))
    changed = [one for one in yaml.safe_load_all(run_helm("template", "vitrine", CHART, values=file).stdout) if one]

    def sums(resources: list[Resource]) -> list[str]:
        return [
            one["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
            for one in resources
            if one["kind"] == "Deployment"
        ]

    before = list(rendering("default"))
    assert not set(sums(changed)) & set(sums(before))
    jobs = {one["metadata"]["name"] for one in [*changed, *before] if one["kind"] == "Job"}
    assert len(jobs) == 2


def test_pods_share_no_volume_where_pictures_are_in_a_bucket() -> None:
    assert of_kind("default", "PersistentVolumeClaim") and not of_kind("sharded", "PersistentVolumeClaim")
    for pod in pods("sharded").values():
        assert not [volume for volume in pod["spec"]["volumes"] if "persistentVolumeClaim" in volume]
