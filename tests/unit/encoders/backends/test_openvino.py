"""Towers run by OpenVINO: the same embeddings as by torch, in a process without it, from a cache that is whole."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from msgspec.structs import astuple

from encoders.backends.conversion_cache import REFUSED_EXIT_CODE, converted_model
from encoders.backends.manifest import MANIFEST, Manifest
from encoders.backends.openvino import OpenVinoEncoder, OpenVinoTowers, has_bfloat16, is_installed
from encoders.errors import ModelUnavailable
from encoders.huggingface.dual_encoder import HfDualEncoder
from encoders.inference.runtime import MIN_PARITY_COSINE, Runtime
from encoders.loading import load_encoder

pytestmark = [
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
    pytest.mark.skipif(not is_installed(), reason="the package openvino is not installed"),
]
AUTO = Runtime("cpu", "auto", "auto", threads=1)
EXACT = ("float32", "float32")
TEXTS = ["a red cotton shirt", "blue running shoes with long sleeves " * 8, "", "红色棉质衬衫", "green apple"] * 9


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests of this module share."""
    return tmp_path_factory.mktemp("models")


@pytest.mark.parametrize("family", ["clip", "siglip", "bert-convnext"])
def test_both_towers_agree_with_torch(checkpoints_root: Path, tmp_path: Path, family: str) -> None:
    from encoders.backends.export import export_checkpoint

    directory = checkpoints_root / family
    export_checkpoint(directory, tmp_path, "float32")
    manifest = Manifest.read(tmp_path)
    ours, torchs = OpenVinoTowers(tmp_path, manifest, EXACT, 1), HfDualEncoder(directory, torch.device("cpu"))
    assert min(astuple(manifest.agreement["float32"])) > 0.99999 and manifest.preparer == torchs.preparer
    _, pictures = torchs.parity_probes()
    np.testing.assert_allclose(ours.encode_texts(TEXTS), torchs.encode_texts(TEXTS), atol=1e-4)
    np.testing.assert_allclose(ours.encode_images(pictures * 3), torchs.encode_images(pictures * 3), atol=1e-4)
    assert ours.encode_texts([]).shape == ours.encode_images([]).shape == (0, manifest.dim)


def test_it_is_made_ready_once_by_whoever_comes_first(
    checkpoints_root: Path, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    runtime = replace(AUTO, cache_dir=str(models))
    with ThreadPoolExecutor(3) as threads:
        loaded = list(threads.map(lambda _: OpenVinoEncoder(checkpoints_root / "clip", runtime), range(3)))
    assert [record.msg for record in caplog.records].count("model_made_ready") == 1
    assert len({encoder.spec for encoder in loaded}) == 1
    assert not list(models.glob(".*"))
    plain = HfDualEncoder(checkpoints_root / "clip", torch.device("cpu"))
    assert loaded[0].spec == plain.spec
    assert np.min(np.sum(loaded[0].encode_texts(TEXTS) * plain.encode_texts(TEXTS), axis=1)) >= MIN_PARITY_COSINE


def test_who_serves_it_has_no_torch(checkpoints_root: Path, models: Path) -> None:
    OpenVinoEncoder(checkpoints_root / "clip", replace(AUTO, cache_dir=str(models)))
    program = f"""
import sys
from encoders.loading import load_encoder
from encoders.inference.runtime import Runtime
encoder = load_encoder({str(checkpoints_root / "clip")!r}, Runtime("cpu", "auto", "auto", cache_dir={str(models)!r}))
assert encoder.encode_texts(["a shirt"]).shape == (1, encoder.spec.dim)
assert not {{"torch", "transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env={**os.environ, "VITRINE": ""})


def test_the_unfinished_directory_of_an_export_that_died_is_removed(tmp_path: Path) -> None:
    def export(_: Path, directory: Path, precision: str) -> subprocess.CompletedProcess[str]:
        (directory / MANIFEST).write_text(precision)
        return subprocess.CompletedProcess([], 0)

    unfinished = tmp_path / ".key.x1y2"
    unfinished.mkdir()
    (unfinished / "text.xml").write_text("half")
    ready = converted_model(Path("anywhere"), tmp_path, "key", "float32", export)
    assert (ready / MANIFEST).read_text() == "float32" and not unfinished.exists()


def test_a_broken_manifest_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(ModelUnavailable, match="remove it and load the model again"):
        Manifest.read(tmp_path)


def test_a_cache_that_cannot_be_written_is_named(checkpoints_root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelUnavailable, match=r"encoder\.cache_dir"):
        converted_model(checkpoints_root / "clip", tmp_path / "file", "key", "float32")


@pytest.mark.parametrize(("status", "starts"), [(REFUSED_EXIT_CODE, 1), (1, 2)], ids=["refusal", "crash"])
def test_a_refusal_is_remembered_and_a_crash_is_not(status: int, starts: int, tmp_path: Path) -> None:
    started: list[Path] = []

    def export(_: Path, directory: Path, precision: str) -> subprocess.CompletedProcess[str]:
        started.append(directory)
        return subprocess.CompletedProcess([], status, "", "noise\nno such layer")

    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="no such layer"):
            converted_model(Path("anywhere"), tmp_path, "key", "float32", export)
    assert len(started) == starts


def test_auto_does_without_where_a_model_cannot_be_converted(checkpoints_root: Path, models: Path) -> None:
    directory, runtime = checkpoints_root / "siglip2", replace(AUTO, cache_dir=str(models))
    assert isinstance(load_encoder(str(directory), runtime), HfDualEncoder)
    with pytest.raises(ModelUnavailable, match="pictures of many shapes"):
        load_encoder(str(directory), replace(runtime, backend="openvino"))


def test_auto_takes_no_precision_that_changes_embeddings(checkpoints_root: Path, models: Path, tmp_path: Path) -> None:
    directory = checkpoints_root / "clip"
    OpenVinoEncoder(directory, replace(AUTO, cache_dir=str(models)))
    shutil.copytree(models, tmp_path / "models")
    runtime = replace(AUTO, cache_dir=str(tmp_path / "models"))
    (written,) = (tmp_path / "models").glob(f"*-float32*/{MANIFEST}")
    facts = json.loads(written.read_text())
    good, bad = {"text": 1.0, "image": 1.0}, {"text": 0.9, "image": 0.9}
    for exact, fast, precisions in (
        (good, bad, ("float32", "float32")),
        (good, {**good, "image": 0.9}, ("bfloat16" if has_bfloat16() else "float32", "float32")),
        (bad, bad, None),
        ({**good, "text": 0.9}, bad, None),
    ):
        written.write_text(json.dumps({**facts, "agreement": {"float32": exact, "bfloat16": fast}}))
        if precisions:
            assert OpenVinoEncoder(directory, runtime).precisions == precisions
        else:
            assert isinstance(load_encoder(str(directory), runtime), HfDualEncoder)


@pytest.mark.skipif(not (is_installed() and has_bfloat16()), reason="this CPU does not compute in bfloat16")
def test_an_asked_for_precision_is_a_space_of_its_own(checkpoints_root: Path, models: Path) -> None:
    runtime = replace(AUTO, cache_dir=str(models))
    auto, asked = (
        OpenVinoEncoder(checkpoints_root / "clip", wanted)
        for wanted in (runtime, replace(runtime, precision="bfloat16"))
    )
    assert asked.spec.version == f"{auto.spec.version}+bfloat16" and asked.precisions == ("bfloat16", "bfloat16")


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [
        (Runtime("cuda", "openvino"), "runs on the CPU, not on cuda"),
        (Runtime("cpu", "openvino", "float16"), "float16"),
        (Runtime("cpu", "openvino", compile=True), r"encoder\.compile"),
    ],
)
def test_what_openvino_cannot_do_is_refused(checkpoints_root: Path, runtime: Runtime, reason: str) -> None:
    with pytest.raises(ModelUnavailable, match=reason):
        load_encoder(str(checkpoints_root / "clip"), runtime)
