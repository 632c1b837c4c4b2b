"""The chart's network: who may reach whom, and that selectors and ports are those of its pods."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from tests.charts import containers, examples, of_kind, pods


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
    ports = {
        port["name"]
        for pod in components.values()
        for container in containers(pod)
        for port in container.get("ports", [])
    }
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


def test_who_reads_or_writes_pictures_in_a_bucket_may_reach_it_and_nothing_inside() -> None:
    assert "bucket" not in of_kind("default", "NetworkPolicy")
    spec = of_kind("sharded", "NetworkPolicy")["bucket"]["spec"]
    (components,) = spec["podSelector"]["matchExpressions"]
    with_pictures = {
        component
        for component, pod in pods("default").items()
        if "media" in {volume["name"] for volume in pod["spec"]["volumes"]}
    }
    assert with_pictures == {"indexing", "standby", "query"} <= {*components["values"]}
    (rule,) = spec["egress"]
    inside = of_kind("sharded", "NetworkPolicy")["indexing"]["spec"]["egress"][0]["to"][0]["ipBlock"]["except"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 443}] and rule["to"][0]["ipBlock"]["except"] == inside


def test_workers_that_tell_of_traces_may_reach_their_collector() -> None:
    assert "collector" not in of_kind("default", "NetworkPolicy")
    spec = of_kind("sharded", "NetworkPolicy")["collector"]["spec"]
    assert spec["policyTypes"] == ["Egress"] and spec["egress"][0]["ports"] == [{"protocol": "TCP", "port": 4318}]
    for component in ("query", "indexing"):
        variables = {
            variable["name"]: variable.get("value")
            for pod in containers(pods("sharded")[component])
            for variable in pod["env"]
        }
        assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.monitoring.svc:4318"
