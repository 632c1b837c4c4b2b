"""The chart as `helm template` renders it, for each example of values."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.paths import ROOT

CHART = ROOT / "deploy" / "helm" / "vitrine"
EXAMPLES = {"default": None} | {path.stem: path for path in sorted((CHART / "examples").glob("*.yaml"))}
"""Files of values by name; None: the chart's own."""
examples = pytest.mark.parametrize("example", EXAMPLES)

Resource = dict[str, Any]


def helm() -> str:
    """The program, from PATH or where `make tools` puts it; without it the test is skipped."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    program = shutil.which("helm") or shutil.which(cache / "vitrine" / "tools" / "helm")
    if program is None:
        pytest.skip("helm is not installed: `make tools`")
    return program


def run_helm(*arguments: str | Path, values: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Call helm; values: a file, in place of what the chart says."""
    # A helm that was not built by its makers takes Kubernetes to be 1.20.
    options = ["--kube-version", "1.31", *([] if values is None else ["--values", str(values)])]
    return subprocess.run([helm(), *map(str, arguments), *options], capture_output=True, text=True, check=False)


@functools.cache
def rendering(example: str) -> tuple[Resource, ...]:
    """Everything that an example asks of Kubernetes, as the release `vitrine` in a namespace of that name."""
    done = run_helm("template", "vitrine", CHART, "--namespace", "vitrine", values=EXAMPLES[example])
    assert done.returncode == 0, done.stderr
    return tuple(document for document in yaml.safe_load_all(done.stdout) if document)


def of_kind(example: str, kind: str) -> dict[str, Resource]:
    """The resources of a kind, by name without the release's."""
    found = [resource for resource in rendering(example) if resource["kind"] == kind]
    return {one["metadata"]["name"].removeprefix("vitrine-"): one for one in found}


def pods(example: str) -> dict[str, Resource]:
    """The templates of all pods, by component."""
    found: dict[str, Resource] = {}
    for resource in rendering(example):
        spec = resource.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if resource["kind"] in ("Deployment", "Job", "CronJob") and template:
            found[template["metadata"]["labels"]["app.kubernetes.io/component"]] = template
    return found


def containers(pod: Resource) -> list[Resource]:
    """All of a pod's, those that start before the others too."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
