"""From values to a first search: what the chart renders of `examples/managed.yaml`, run as it says, step by step.

As [the page on Kubernetes](../../docs/kubernetes.md#a-walk) has it, which shows what this prints.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.charts import CHART, EXAMPLES, Resource, run_helm
from tests.milvus3 import Unavailable
from tests.scale.managed import NAMES, TOKEN, ManagedServers, open_managed_servers
from tests.scale.network import HOST, open_network
from tests.scale.pods import Namespace, Pod
from tests.secure_kafka import PASSWORD
from tests.secure_redis import passwords

PODS = ("topics", "indexing", "query", "operator")
OF_ONE_MACHINE = {
    "settings": {
        # One broker, and a Milvus Lite behind the address of a cluster.
        "kafka": {"replication_factor": 1},
        "milvus": {"index_type": "FLAT"},
        "query": {"processes": 1},
        # Ready at once; the encoder `standard` takes a minute of two cores first, in each pod.
        "encoder": {"name": "mini"},
    }
}
CATALOGUE = "id,title,price\nmug,Kettle with a lid,24.90\ncup,Kettle without,19.90\nlamp,Desk lamp,49.00\n"
HOST_NAME = "search.shop.example"
DEADLINE_S = 600.0
"""Of each step, on a machine that is busy with other things: a worker's first start makes its model ready."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The pods by component."""

    pods: dict[str, Pod]

    def search(self, **headers: str) -> httpx.Response:
        """A shopper's search by the public name, or by another."""
        url = self.pods["query"].url("/v1/search", "http")
        return httpx.get(url, params={"q": "kettle"}, headers={"host": HOST_NAME, **headers}, trust_env=False)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("walk")
    (values := directory / "values.yaml").write_text(yaml.safe_dump(OF_ONE_MACHINE))
    rendered = _rendered(values)
    try:
        with ExitStack() as stack:
            machines = stack.enter_context(open_network(PODS))
            servers = stack.enter_context(open_managed_servers(directory / "servers"))
            namespace = _namespace(directory, rendered, servers)
            pods = {name: Pod(_template(rendered, name), machines[name], namespace) for name in PODS}
            for pod in pods.values():
                stack.callback(pod.stop)
            yield Cluster(pods)
    except Unavailable as reason:
        pytest.skip(str(reason))


def _rendered(values: Path) -> list[Resource]:
    own = ("--namespace", "vitrine", "--values", EXAMPLES["managed"] or "")
    done = run_helm("template", "vitrine", CHART, *own, values=values)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def _template(rendered: list[Resource], component: str) -> Resource:
    (found,) = (
        one["spec"]["template"]
        for one in rendered
        if one["kind"] in ("Deployment", "Job")
        and one["metadata"]["labels"]["app.kubernetes.io/component"] == component
    )
    return found


def _namespace(directory: Path, rendered: list[Resource], servers: ManagedServers) -> Namespace:
    (volumes := directory / "volumes").mkdir()
    maps = {one["metadata"]["name"]: one["data"] for one in rendered if one["kind"] == "ConfigMap"}
    secrets: dict[str, dict[str, str]] = {}
    for role in ("indexing", "query", "operator"):
        secrets |= servers.secrets(role)
    return Namespace(volumes, maps, secrets, dict.fromkeys(NAMES.values(), HOST))


def test_a_shop_on_locked_servers_is_searched_as_the_chart_renders_it(cluster: Cluster) -> None:
    pods = cluster.pods
    assert pods["topics"].start().wait(DEADLINE_S) == 0, pods["topics"].log.read_text()
    _show("kubectl logs job/vitrine-topics-…", pods["topics"].log.read_text())
    for name in ("indexing", "query"):
        pods[name].start()
    for name in ("indexing", "query"):
        _wait(f"{name} is ready", lambda pod=pods[name]: _is_ready(pod), cluster)
        _show(f"curl http://$(POD of {name}):9100/readyz", _ready(pods[name]).text)
    _command(pods["operator"], "vitrine", "doctor")
    refused = cluster.search()
    _show("curl …/v1/search?q=kettle   # without a key", f"{refused.status_code} {refused.text}")
    assert refused.status_code == 401
    said = _command(pods["operator"], "vitrine", "apikey", "create", "--scope", "search", "--name", "shop")
    found = re.search(r"vitrine_sk_\S+", said)
    assert found is not None
    key = {"authorization": f"Bearer {found[0]}"}
    pods["operator"].execute("sh", "-c", "cat > /tmp/catalogue.csv", given=CATALOGUE)
    _command(pods["operator"], "vitrine", "publish", "products", "/tmp/catalogue.csv")
    _wait("both are found", lambda: _found(cluster, key) >= {"mug", "cup"}, cluster)
    _show("curl …/v1/search?q=kettle", cluster.search(**key).text)
    assert cluster.search(**key, host="localhost").status_code == 400
    for secret in (PASSWORD, TOKEN, *(passwords(f"vitrine-{role}") for role in ("indexing", "query", "operator"))):
        assert not [pod.machine.name for pod in pods.values() if secret in _log(pod)]


def _found(cluster: Cluster, key: dict[str, str]) -> set[str]:
    answer: dict[str, Any] = cluster.search(**key).json()
    assert answer["degraded"] == [], answer
    return {hit["product_id"] for hit in answer["hits"]}


def _command(pod: Pod, *command: str) -> str:
    said = pod.execute(*command)
    _show(f"kubectl exec deployment/vitrine-{pod.machine.name} -- {' '.join(command)}", said)
    return said


def _show(step: str, said: str) -> None:
    print(f"\n$ {step}\n{said.strip()}")


def _is_ready(pod: Pod) -> bool:
    assert pod.running[-1].poll() is None, _log(pod)
    try:
        return _ready(pod).status_code == 200
    except httpx.TransportError:
        return False


def _ready(pod: Pod) -> httpx.Response:
    """The answer to the container's own probe."""
    probe = pod.container["readinessProbe"]["httpGet"]
    return httpx.get(pod.url(probe["path"], probe["port"]), timeout=5, trust_env=False)


def _log(pod: Pod) -> str:
    return pod.log.read_text() if pod.log.exists() else ""


def _wait(what: str, condition: Callable[[], bool], cluster: Cluster) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        logs = "\n".join(_log(pod)[-2000:] for pod in cluster.pods.values())
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s: {what}\n{logs}"
        time.sleep(0.1)
