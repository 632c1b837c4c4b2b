"""Pickled weights are read as data: tensors come out as torch has them, and nothing that a pickle names is called."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from encoders.errors import ModelUnavailable
from encoders.pretrained.torch_pickle import read_state_dict


def _pickled(state: Any) -> bytes:
    file = io.BytesIO()
    torch.save(state, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


def test_tensors_are_those_that_torch_wrote() -> None:
    whole = torch.arange(60.0).reshape(3, 4, 5)
    state = {
        "whole": whole,
        "turned": whole.permute(2, 0, 1),
        "part": whole[1:, :, 2],
        "half": torch.tensor([1.5, -2.0], dtype=torch.float16),
        "scalar": torch.tensor(7),
        "none": torch.zeros(0, 3),
    }
    read = read_state_dict(_pickled(state))
    assert set(read) == set(state)
    for name, tensor in state.items():
        assert read[name].dtype == tensor.numpy().dtype and np.array_equal(read[name], tensor.numpy())


class _Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("place", ["magic", "weights"])
def test_whatever_else_a_pickle_names_is_refused_by_its_name(tmp_path: Path, place: str) -> None:
    hostile = _Hostile(tmp_path / "owned")
    data = pickle.dumps(hostile) if place == "magic" else _pickled({"weights": hostile})
    with pytest.raises(ModelUnavailable, match=r"name (posix|nt)\.mkdir, which no tensor needs"):
        read_state_dict(data)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("cut", [0, 30, 200, -3])
def test_a_file_that_was_cut_is_broken(cut: int) -> None:
    with pytest.raises(ModelUnavailable, match="broken"):
        read_state_dict(_pickled({"weights": torch.ones(64)})[:cut])


def test_a_tensor_that_reaches_beyond_its_storage_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    small = torch.ones(4)
    monkeypatch.setattr(torch.Tensor, "size", lambda _: (4, 1000))
    monkeypatch.setattr(torch.Tensor, "stride", lambda _: (1, 1))
    data = _pickled({"weights": small})
    with pytest.raises(ModelUnavailable, match="beyond its storage"):
        read_state_dict(data)
