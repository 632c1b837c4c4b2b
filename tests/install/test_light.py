"""A light installation, made from the lock file in a folder of its own: no torch, and what the demo does works."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".uv/bin/uv"
MOST_BYTES = 1_200_000_000
MOST_BYTES_OF_THE_DEMO = 1_450_000_000
"""Of what `make demo` installs: with the weights of the encoder `standard`."""
DEADLINE_S = 600

ENCODE = """
import sys
from encoders.loading import load_encoder
from encoders.inference.runtime import Runtime
from PIL import Image
encoder = load_encoder("mini", Runtime(backend="auto", precision="auto", cache_dir=sys.argv[1]))
picture = encoder.preparer(Image.new("RGB", (90, 60), "red"))
print([encoder.encode_texts(["red", "green"]).shape, encoder.encode_images([picture]).shape])
"""
IMPORT_ALL = """
import importlib, json, pkgutil
import deploy, encoders, indexer, query_api, streams, vitrine
lacking = {}
for package in (deploy, encoders, indexer, query_api, streams, vitrine):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", onerror=lambda name: None):
        try:
            if module.name.rpartition(".")[2] != "__main__":
                importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            lacking[module.name] = error.name
print(json.dumps(lacking))
"""


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the programs of a light environment."""
    if not UV.exists():
        pytest.skip("make setup has not been run here: there is no .uv/bin/uv")
    environment = tmp_path_factory.mktemp("light") / "venv"
    _install(environment, "local")
    return environment / "bin"


def _install(environment: Path, *extras: str) -> None:
    variables = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(environment), "UV_PYTHON_DOWNLOADS": "never"}
    wanted = [option for extra in extras for option in ("--extra", extra)]
    command = [UV, "sync", "--locked", "--no-dev", *wanted, "--python", ROOT / ".venv/bin/python"]
    subprocess.run(command, cwd=ROOT, env=variables, check=True, timeout=DEADLINE_S, capture_output=True)


def _run(light: Path, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    hidden = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    variables = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [light / command[0], *command[1:]], cwd=cwd, env=variables, capture_output=True, text=True, timeout=DEADLINE_S
    )


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file() and not path.is_symlink())


def _packages_without_torch(environment: Path) -> set[str]:
    """The packages of an environment, which has neither torch nor what comes with it."""
    site = next((environment / "lib").glob("python3*/site-packages"))
    names = {path.name.partition("-")[0].lower() for path in site.glob("*.dist-info")}
    assert not {name for name in names if name in ("torch", "torchvision", "transformers", "triton")}
    assert not {name for name in names if name.startswith(("nvidia", "cuda"))}
    return names


def _bytes(environment: Path) -> int:
    return sum(path.stat().st_size for path in _files(environment))


def test_it_has_no_torch_and_is_small(light: Path) -> None:
    assert {"openvino", "pymilvus", "tokenizers"} <= _packages_without_torch(light.parent)
    assert _bytes(light.parent) < MOST_BYTES


def test_what_the_demo_installs_is_small_too(tmp_path: Path) -> None:
    if not UV.exists():
        pytest.skip("make setup has not been run here: there is no .uv/bin/uv")
    options = re.search(r"light\) options='([^']*)'", (ROOT / "deploy/setup.sh").read_text())
    assert options is not None
    extras = re.findall(r"--extra (\S+)", options[1])
    assert "standard" in extras
    _install(tmp_path / "venv", *extras)
    _packages_without_torch(tmp_path / "venv")
    assert _bytes(tmp_path / "venv") < MOST_BYTES_OF_THE_DEMO


def test_it_encodes_texts_and_photos_by_mini(light: Path, tmp_path: Path) -> None:
    ran = _run(light, "python", "-c", ENCODE, str(tmp_path / "models"), cwd=tmp_path)
    assert ran.stdout.strip() == "[(2, 128), (1, 128)]", ran.stderr


def test_no_module_lacks_a_package_but_those_of_the_extras(light: Path, tmp_path: Path) -> None:
    from encoders.packages import EXTRAS

    ran = _run(light, "python", "-W", "ignore", "-c", IMPORT_ALL, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    lacking = json.loads(ran.stdout.splitlines()[-1])
    assert {str(package).partition(".")[0] for package in lacking.values()} <= set(EXTRAS), lacking


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("train", "mini", "--output", "out"), "torch"),
        (("train", "average", ".", "--output", "out"), "torch"),
        (("train", "join", "--text", ".", "--output", "out"), "torch"),
        (("train", "--catalog", "products.csv", "--output", "out"), "torch"),
    ],
    ids=lambda given: given[1] if isinstance(given, tuple) else given,
)
def test_a_command_that_needs_more_says_in_a_sentence_what(
    light: Path, tmp_path: Path, arguments: tuple[str, ...], extra: str
) -> None:
    (tmp_path / "products.csv").write_text("product_id,title\np1,A red shirt\n")
    ran = _run(light, "vitrine", "--data-dir", str(tmp_path / "data"), *arguments, cwd=tmp_path)
    assert ran.returncode == 1 and f"pip install 'vitrine[{extra}]'" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr


@pytest.mark.parametrize(
    ("call", "extra"),
    [
        ("encoders.loading.load_encoder('mini', Runtime(backend='torch'))", "torch"),
        ("encoders.loading.load_encoder('mini', Runtime('cpu', 'auto', 'int8', cache_dir='models'))", "int8"),
        ("encoders.loading.load_encoder('clip', Runtime('cpu', 'auto', cache_dir='models'))", "torch"),
        ("encoders.loading.load_ranker('ranker', None)", "torch"),
        ("encoders.speech.loading.load_recogniser('clip')", "torch"),
    ],
)
def test_what_needs_more_is_refused_with_the_extra(light: Path, tmp_path: Path, call: str, extra: str) -> None:
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip/config.json").write_text('{"model_type": "clip"}')
    (tmp_path / "clip/model.safetensors").write_text("")
    program = f"""
import encoders.loading, encoders.speech.loading
from encoders.errors import ModelUnavailable
from encoders.inference.runtime import Runtime
try:
    {call}
except ModelUnavailable as error:
    print(error)
"""
    ran = _run(light, "python", "-c", program, cwd=tmp_path)
    assert f"pip install 'vitrine[{extra}]'" in ran.stdout, ran.stdout + ran.stderr
