"""Hub models by the hash of a commit, which nobody can move; over the hub client's own cache."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub.constants
import pytest

from encoders.checkpoints import is_same_model, locate, pinned_name, split_revision
from encoders.errors import ModelUnavailable

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which the main branch of `shop/towers` has moved from one commit to another."""
    repository = tmp_path / "models--shop--towers"
    for commit in (OLD, NEW):
        directory = repository / "snapshots" / commit
        directory.mkdir(parents=True)
        (directory / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(NEW)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return repository / "snapshots"


def test_a_commit_names_one_state_of_a_model_for_ever(cache: Path) -> None:
    assert locate(f"shop/towers@{OLD}") == cache / OLD
    assert locate("shop/towers") == cache / NEW


def test_what_is_made_with_a_model_notes_its_commit(cache: Path) -> None:
    assert pinned_name("shop/towers") == f"shop/towers@{NEW}"
    assert pinned_name("shop/towers#64") == f"shop/towers@{NEW}#64"
    for name in ("mini", f"shop/towers@{OLD}", f"shop/towers@{OLD}#64", "shop/unknown", str(cache)):
        assert pinned_name(name) == name


@pytest.mark.parametrize("revision", ["main", "v1.0", "abc123", "A" * 40, "a" * 41, ""])
@pytest.mark.usefixtures("cache")
def test_a_branch_or_tag_is_refused_as_it_may_move(revision: str) -> None:
    with pytest.raises(ModelUnavailable, match="a commit, by the hash"):
        locate(f"shop/towers@{revision}")


@pytest.mark.usefixtures("cache")
def test_a_commit_that_there_is_not_is_named() -> None:
    with pytest.raises(ModelUnavailable, match="at commit " + "c" * 40):
        locate("shop/towers@" + "c" * 40)


def test_a_directory_may_have_an_at_in_its_name(tmp_path: Path) -> None:
    directory = tmp_path / "towers@home"
    directory.mkdir()
    assert locate(str(directory)) == directory
    assert split_revision(str(directory)) == (str(directory), None)


def test_a_name_without_a_commit_is_met_by_any_commit_of_it() -> None:
    assert is_same_model("shop/towers", f"shop/towers@{OLD}")
    assert is_same_model("shop/towers#64", f"shop/towers@{OLD}#64")
    assert is_same_model("mini", "mini")
    assert not is_same_model(f"shop/towers@{NEW}", f"shop/towers@{OLD}")
    assert not is_same_model("shop/towers", f"shop/others@{OLD}")
    assert not is_same_model("shop/towers#64", f"shop/towers@{OLD}")
