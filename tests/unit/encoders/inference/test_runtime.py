"""How a model is run: what is refused, what the version says, and how many cores there are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from encoders.inference.runtime import Runtime, usable_cores


def test_what_no_runtime_has_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"backend must be one of auto, torch, openvino, not 'tensorflow'"):
        Runtime(backend="tensorflow")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="precision"):
        Runtime(precision="int3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="threads"):
        Runtime(threads=-1)


def test_the_version_says_another_arithmetic_than_that_of_float32() -> None:
    suffixes = {kind: Runtime(precision=kind).version_suffix for kind in ("auto", "float32", "bfloat16", "int8")}
    assert suffixes == {"auto": "", "float32": "", "bfloat16": "+bfloat16", "int8": "+int8"}


@pytest.mark.parametrize(
    ("text", "cores"), [("max 100000", None), ("50000 100000", 1), ("150000 100000", 2), ("nonsense", None)]
)
def test_cores_are_counted_within_the_groups_quota(tmp_path: Path, text: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    allowed = len(os.sched_getaffinity(0))
    assert usable_cores(tmp_path / "cpu.max") == (allowed if cores is None else min(cores, allowed))


def test_models_are_kept_in_the_users_cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Runtime().cache_path == tmp_path / "vitrine" / "models"
    assert Runtime(cache_dir="/srv/models").cache_path == Path("/srv/models")
