"""transformers' log lines are left to the application's logging."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from transformers import BertConfig, BertModel

from encoders.architectures.storage import new_model
from tests.unit.encoders.tiny_models import TEXTS, tiny_config, tiny_model

LOAD = """
import logging, sys
from pathlib import Path

import torch
from encoders.architectures.storage import load_model

logging.basicConfig(filename=sys.argv[1])
load_model(Path(sys.argv[2]), torch.device("cpu"))
"""


def test_a_joined_model_with_a_checkpoints_text_tower_loads_without_a_word_on_standard_error(tmp_path: Path) -> None:
    tokenizer = tiny_model("bert-resnet-weighted").tokenizer
    tokenizer.save_pretrained(tmp_path / "bert")
    shape = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(shape).save_pretrained(tmp_path / "bert")
    new_model(tiny_config("bert-resnet-weighted"), TEXTS, text_from=tmp_path / "bert").save(tmp_path / "model")

    # As in a terminal: transformers does otherwise where it finds a test service.
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    argv = [sys.executable, "-c", LOAD, str(tmp_path / "log"), str(tmp_path / "model")]
    loaded = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert loaded.stderr == ""
    assert "vitrine-fusion" in (tmp_path / "log").read_text()
