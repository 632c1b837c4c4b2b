"""The Kubernetes manifests: valid against the schemas, and true to the settings, topics and ports of the code."""

from dataclasses import fields
from ipaddress import ip_address, ip_network
from typing import Any

import kubernetes_validate
import pytest
import yaml

from encoders.liveness.config import LivenessConfig
from query_api.config import QueryConfig
from query_api.http.readiness import ANSWER_S
from streams.config import IndexingConfig, KafkaConfig
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from tests.paths import ROOT
from vitrine.settings import section_types

K8S = ROOT / "deploy" / "k8s"
KUBERNETES_VERSIONS = ("1.31", "1.34")
FOREIGN = ("keda.sh", "kustomize.config.k8s.io")


def resources(*, foreign: bool = True) -> list[Any]:
    """Every resource of every manifest, as pytest parameters; `foreign` ones are not of Kubernetes itself."""
    found = []
    for path in sorted(K8S.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if foreign or document["apiVersion"].split("/")[0] not in FOREIGN:
                found.append(pytest.param(document, id=f"{path.stem}-{document['kind']}"))
    return found


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [resource.values[0] for resource in resources() if resource.values[0]["kind"] == kind]


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("resource", resources(foreign=False))
def test_a_resource_is_valid_against_the_schema(resource, version):
    kubernetes_validate.validate(resource, version, strict=True)


def test_the_kustomization_lists_every_manifest():
    listed = yaml.safe_load((K8S / "kustomization.yaml").read_text())["resources"]
    there = {path.name for path in K8S.glob("*.yaml")} - {
        "kustomization.yaml",
        "secret.example.yaml",
        "reindex.example.yaml",
    }
    assert set(listed) == there


def test_every_setting_in_the_config_map_exists():
    known = {
        f"VITRINE_{section}_{field.name}".upper() for section, kind in section_types().items() for field in fields(kind)
    }
    (config,) = of_kind("ConfigMap")
    assert set(config["data"]) <= known


def test_the_scaler_reads_the_lag_that_a_query_worker_tells():
    (scaled,) = of_kind("ScaledObject")
    (service,) = [resource for resource in of_kind("Service") if resource["metadata"]["name"] == "vitrine-query-ops"]
    triggers = [trigger["metadata"] for trigger in scaled["spec"]["triggers"]]
    assert {trigger["valueLocation"] for trigger in triggers} == {
        "lag." + topic.replace(".", "_").replace("-", "_") for topic in (PRODUCT_EVENTS, USER_EVENTS)
    }
    (config,) = of_kind("ConfigMap")
    port = service["spec"]["ports"][0]["port"]
    assert str(port) == config["data"]["VITRINE_QUERY_OPS_PORT"]
    assert {trigger["url"] for trigger in triggers} == {f"http://vitrine-query-ops.vitrine.svc:{port}/readyz"}
    assert scaled["spec"]["scaleTargetRef"]["name"] in {
        deployment["metadata"]["name"] for deployment in of_kind("Deployment")
    }


@pytest.mark.parametrize("deployment", of_kind("Deployment"), ids=lambda deployment: deployment["metadata"]["name"])
def test_a_deployment_runs_unprivileged_with_probes_and_secrets_by_reference(deployment):
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and container["securityContext"]["readOnlyRootFilesystem"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
    assert all("secretKeyRef" in variable["valueFrom"] for variable in container["env"])
    assert pod["enableServiceLinks"] is False
    assert pod["terminationGracePeriodSeconds"] > IndexingConfig().drain_s


def pods() -> list[Any]:
    """The pod templates of everything that runs, as pytest parameters."""
    running = [resource.values[0] for resource in resources() if resource.values[0]["kind"] in ("Deployment", "Job")]
    return [pytest.param(one["spec"]["template"], id=one["metadata"]["name"]) for one in running]


@pytest.mark.parametrize("pod", pods())
def test_a_pod_has_no_rights_and_bounded_disks(pod):
    spec = pod["spec"]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    disks = [volume["emptyDir"]["sizeLimit"] for volume in spec["volumes"] if "emptyDir" in volume]
    assert len(disks) == 2
    limit = container["resources"]["limits"]["ephemeral-storage"]
    assert sum(int(size.removesuffix("Gi")) for size in disks) < int(limit.removesuffix("Gi"))


@pytest.mark.parametrize("deployment", of_kind("Deployment"), ids=lambda deployment: deployment["metadata"]["name"])
def test_probes_fit_the_bounds_of_liveness(deployment):
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    liveness, readiness, startup = (container[f"{kind}Probe"] for kind in ("liveness", "readiness", "startup"))
    bounds = LivenessConfig()
    # A restart comes within twice the bound; a rebalance, a pause of the group's coordinator, brings none.
    assert KafkaConfig().session_timeout_s < liveness["periodSeconds"] * liveness["failureThreshold"] <= bounds.stuck_s
    assert startup["periodSeconds"] * startup["failureThreshold"] >= bounds.restart_s
    assert startup["httpGet"]["path"] == "/healthz"
    assert readiness["periodSeconds"] * readiness["failureThreshold"] <= bounds.slow_s
    for probe in (liveness, readiness, startup):
        assert ANSWER_S + QueryConfig().redis_deadline_s < probe["timeoutSeconds"] <= probe["periodSeconds"]


def test_query_workers_of_a_cluster_ask_for_keys_and_are_probed_where_none_are_needed():
    (config,) = of_kind("ConfigMap")
    assert config["data"]["VITRINE_QUERY_REQUIRE_KEYS"] == "true" and "VITRINE_QUERY_OPEN" not in config["data"]
    (query,) = [one for one in of_kind("Deployment") if one["metadata"]["name"] == "vitrine-query"]
    (container,) = query["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    assert ports["health"] == config["data"]["VITRINE_QUERY_OPS_PORT"] != ports["http"]
    assert {container[f"{kind}Probe"]["httpGet"]["port"] for kind in ("liveness", "readiness", "startup")} == {"health"}
    public = next(one for one in of_kind("Service") if one["metadata"]["name"] == "vitrine-query")
    assert [port["targetPort"] for port in public["spec"]["ports"]] == ["http"]


def test_pods_may_reach_only_what_they_need():
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind("NetworkPolicy")}
    assert policies["vitrine-default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    open_egress = [name for name, spec in policies.items() if "ipBlock" in str(spec.get("egress"))]
    assert open_egress == ["vitrine-indexing"]
    (block, _) = policies["vitrine-indexing"]["egress"][0]["to"]
    refused = [ip_network(cidr) for cidr in block["ipBlock"]["except"]]
    for inside in ("10.1.2.3", "127.0.0.1", "169.254.169.254", "168.63.129.16", "192.0.0.192", "100.100.100.200"):
        assert any(ip_address(inside) in network for network in refused), inside
    assert not any(ip_address("93.184.216.34") in network for network in refused)


def test_policies_select_every_pod_and_name_ports_that_exist():
    components = {pod.values[0]["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods()}
    selected = {"query", "indexing", "standby", "reindex"}
    assert components == selected
    ports = {port["name"] for pod in pods() for port in pod.values[0]["spec"]["containers"][0].get("ports", [])}
    named = {
        port["port"]
        for policy in of_kind("NetworkPolicy")
        for rule in policy["spec"].get("ingress", [])
        for port in rule["ports"]
    }
    assert named == ports


def test_the_workers_beside_an_encoder_service_are_as_the_one_without():
    (plain,) = [one for one in of_kind("Deployment") if one["metadata"]["name"] == "vitrine-indexing"]
    patch = yaml.safe_load((ROOT / "deploy" / "k8s-gpu" / "indexing.yaml").read_text())
    assert patch["metadata"] == {name: plain["metadata"][name] for name in ("name", "namespace")}
    (model,) = plain["spec"]["template"]["spec"]["containers"]
    spec = patch["spec"]["template"]["spec"]
    (encoder,), (first, *others) = spec["initContainers"], spec["containers"]
    socket = encoder["env"][0]
    assert first["name"] == model["name"] and socket in first["env"]
    for other in others:
        for part in ("image", "args", "envFrom", "resources", "securityContext"):
            assert other[part] == model[part]
        own = [*model["env"], socket, {"name": "VITRINE_INDEXING_HEALTH_PORT", "value": str(_port(other))}]
        assert sorted(other["env"], key=str) == sorted(own, key=str)
        assert all(mount in other["volumeMounts"] for mount in (*model["volumeMounts"], *first["volumeMounts"]))
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = {"port": other["ports"][0]["name"]}
            assert other[probe] == model[probe] | {"httpGet": model[probe]["httpGet"] | port}
    assert len({_port(one) for one in (model, encoder, *others)}) == 5
    assert encoder["securityContext"] == model["securityContext"] and encoder["restartPolicy"] == "Always"


def _port(container: dict[str, Any]) -> int:
    return container["ports"][0]["containerPort"]
