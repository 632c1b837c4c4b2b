"""The Kubernetes manifests: valid against the schemas, and true to the settings, topics and ports of the code."""

from dataclasses import fields
from typing import Any

import kubernetes_validate
import pytest
import yaml

from streams.config import IndexingConfig
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
    (service,) = [resource for resource in of_kind("Service") if resource["metadata"]["name"] == "vitrine-query"]
    triggers = [trigger["metadata"] for trigger in scaled["spec"]["triggers"]]
    assert {trigger["valueLocation"] for trigger in triggers} == {
        "lag." + topic.replace(".", "_").replace("-", "_") for topic in (PRODUCT_EVENTS, USER_EVENTS)
    }
    assert service["spec"]["ports"][0]["port"] == 80
    assert {trigger["url"] for trigger in triggers} == {"http://vitrine-query.vitrine.svc/readyz"}
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
