"""What checks a change elsewhere: the hosted workflow and the hooks before a commit say what is here."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml

from tests.paths import ROOT

WORKFLOW = ROOT / ".github/workflows/ci.yaml"


def workflow_steps() -> list[dict[str, Any]]:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def test_the_workflow_does_what_the_local_checks_do() -> None:
    commands = "\n".join(step["run"] for step in workflow_steps() if "run" in step)
    local = (ROOT / ".ci/run").read_text()
    for target in re.findall(r"(?m)^make ([\w-]+)", local):
        assert f"make {target} " in commands
    for tests in ("tests/unit", "tests/contract"):
        assert tests in local and tests in commands
    (floor,) = re.findall(r"COVERAGE_FLOOR:-(\d+)", local)
    assert f"--cov-fail-under={floor}" in commands


def test_it_runs_on_the_lowest_and_the_highest_python_that_is_promised() -> None:
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    lowest, over = (int(minor) for minor in re.fullmatch(r">=3\.(\d+),<3\.(\d+)", promised).groups())  # type: ignore[union-attr]
    tested = yaml.safe_load(WORKFLOW.read_text())["jobs"]["unit"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{lowest}", f"3.{over - 1}"]


def test_actions_are_pinned_and_may_only_read() -> None:
    used = [step["uses"] for step in workflow_steps() if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@(v\d+|[0-9a-f]{40})", action) for action in used)
    assert yaml.safe_load(WORKFLOW.read_text())["permissions"] == {"contents": "read"}


def test_hooks_are_the_environments_own_tools() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    hooks = repos[0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    lint = (ROOT / "Makefile").read_text()
    for hook in hooks:
        tool, *arguments = hook["entry"].split()
        command = " ".join([tool.removeprefix(".venv/bin/"), *(word for word in arguments if not word.startswith("-"))])
        assert tool.startswith(".venv/bin/") and f"$(RUN)/{command}" in lint
