"""A data directory is for its owner alone, and nothing else is touched."""

import stat
from pathlib import Path

import pytest

from deploy.local.permissions import make_private, private_opener


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """As an older version left it."""
    (tmp_path / "data" / "media" / "ab").mkdir(parents=True)
    (tmp_path / "data" / "run").mkdir()
    (tmp_path / "data" / "run" / "state.json").write_text("{}")
    (tmp_path / "data" / "media" / "ab" / "picture").write_bytes(b"x")
    for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path / "data"


def test_an_open_data_dir_is_closed_with_all_that_is_in_it(data_dir):
    make_private(data_dir)
    assert mode(data_dir) == mode(data_dir / "media" / "ab") == 0o700
    assert mode(data_dir / "run" / "state.json") == mode(data_dir / "media" / "ab" / "picture") == 0o600


def test_other_peoples_files_beside_ours_stay_as_they_are(data_dir):
    program = data_dir / "program.sh"
    program.write_text("")
    program.chmod(0o755)
    make_private(data_dir)
    assert (mode(data_dir), mode(program)) == (0o755, 0o755)
    assert (mode(data_dir / "run"), mode(data_dir / "run" / "state.json")) == (0o700, 0o600)


def test_what_a_link_leads_to_is_not_touched(data_dir, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("")
    outside.chmod(0o644)
    (data_dir / "media" / "link").symlink_to(outside)
    make_private(data_dir)
    assert mode(outside) == 0o644


def test_closed_media_are_not_looked_through_again_and_what_servers_made_since_is(data_dir):
    make_private(data_dir)
    for path in (data_dir / "run" / "state.json", data_dir / "media" / "ab" / "picture"):
        path.chmod(0o644)
    make_private(data_dir)
    assert mode(data_dir / "run" / "state.json") == 0o600
    assert mode(data_dir / "media" / "ab" / "picture") == 0o644


def test_a_closing_that_was_cut_short_begins_again(data_dir, monkeypatch):
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deploy.local.permissions._close", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_private(data_dir)
    monkeypatch.undo()
    make_private(data_dir)
    assert mode(data_dir / "media" / "ab" / "picture") == 0o600


def test_a_directory_that_is_not_there_is_not_made(tmp_path):
    make_private(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_a_file_is_made_for_its_owner(tmp_path):
    with open(tmp_path / "file", "w", opener=private_opener):
        assert mode(tmp_path / "file") == 0o600
