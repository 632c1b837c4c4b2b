"""Pods of the chart: without rights, probed within the bounds of the code, with the time that they need to leave."""

from __future__ import annotations

import math
from pathlib import Path

import yaml

from encoders.liveness.config import LivenessConfig
from query_api.config import QueryConfig
from query_api.http.readiness import ANSWER_S
from query_api.http.server.server import DRAIN_S
from streams.config import IndexingConfig, KafkaConfig
from tests.charts import CHART, Resource, containers, examples, of_kind, pods, rendering, run_helm


@examples
def test_a_pod_has_no_rights_and_bounded_disks(example: str) -> None:
    for pod in pods(example).values():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False and spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
        disks = [volume["emptyDir"] for volume in spec["volumes"] if "emptyDir" in volume]
        on_disk = sum(int(disk["sizeLimit"].removesuffix("Gi")) for disk in disks if "medium" not in disk)
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
        document["metadata"]["name"]: document["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for document in rendered
        if document and document["kind"] == "Deployment"
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


def test_workers_beside_an_encoder_service_are_as_one_without_but_for_their_ports() -> None:
    (plain,) = pods("default")["indexing"]["spec"]["containers"]
    spec = pods("gpu")["indexing"]["spec"]
    (encoder,) = spec["initContainers"]
    socket = encoder["env"][0]
    assert encoder["restartPolicy"] == "Always" and encoder["resources"]["limits"]["nvidia.com/gpu"] == 1
    for worker in spec["containers"]:
        assert "nvidia.com/gpu" not in str(worker["resources"]) and socket in worker["env"]
        assert all(variable in worker["env"] for variable in plain["env"])
        for part in ("args", "workingDir", "resources", "securityContext"):
            assert worker[part] == plain[part]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert worker[probe] == plain[probe] | {"httpGet": worker[probe]["httpGet"]}
    numbers = [port["containerPort"] for container in [encoder, *spec["containers"]] for port in container["ports"]]
    assert len(set(numbers)) == len(numbers) == 5


def test_a_changed_setting_starts_the_pods_anew_and_a_changed_job_has_another_name(tmp_path: Path) -> None:
    (file := tmp_path / "values.yaml").write_text(yaml.safe_dump({"settings": {"kafka": {"partitions": 7}}}))
    changed = [
        document
        for document in yaml.safe_load_all(run_helm("template", "vitrine", CHART, values=file).stdout)
        if document
    ]

    def sums(resources: list[Resource]) -> list[str]:
        return [
            resource["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
            for resource in resources
            if resource["kind"] == "Deployment"
        ]

    before = list(rendering("default"))
    assert not set(sums(changed)) & set(sums(before))
    jobs = {one["metadata"]["name"] for one in [*changed, *before] if one["kind"] == "Job"}
    assert len(jobs) == 2


def test_pods_share_no_volume_where_pictures_are_in_a_bucket() -> None:
    assert of_kind("default", "PersistentVolumeClaim") and not of_kind("sharded", "PersistentVolumeClaim")
    for pod in pods("sharded").values():
        assert not [volume for volume in pod["spec"]["volumes"] if "persistentVolumeClaim" in volume]
