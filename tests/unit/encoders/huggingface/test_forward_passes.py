"""Forward passes on a device: order kept, memory that ends, copies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from encoders.errors import EncoderError
from encoders.huggingface.forward_passes import MAX_BATCH_ON_CPU, DeviceCopier, ForwardPasses

CPU = torch.device("cpu")


class SmallDevice:
    """A tower on a device whose memory holds so many rows × size."""

    def __init__(self, sizes: list[int], cells: float) -> None:
        self.passes: list[int] = []
        self._sizes, self._cells = sizes, cells

    def __call__(self, rows: list[int]) -> Tensor:
        if len(rows) * max(self._sizes[at] for at in rows) > self._cells:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.passes.append(len(rows))
        return torch.tensor([[float(at), 1.0] for at in rows])


def _expected(count: int) -> np.ndarray:
    rows = np.array([[float(at), 1.0] for at in range(count)], np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_rows_come_back_in_order_whatever_their_sizes() -> None:
    sizes = [at * 7 % 50 + 1 for at in range(100)]
    tower = SmallDevice(sizes, float("inf"))
    assert np.allclose(ForwardPasses(CPU)(sizes, tower, 2), _expected(100))
    assert max(tower.passes) == MAX_BATCH_ON_CPU


def test_a_batch_that_does_not_fit_is_halved_and_the_limit_is_remembered() -> None:
    sizes = [4] * 64
    tower, passes = SmallDevice(sizes, 40), ForwardPasses(CPU)
    assert np.allclose(passes(sizes, tower, 2), _expected(64))
    assert sum(tower.passes) == 64 and max(tower.passes) * 4 <= 40
    assert passes.limit.max_cells <= 40
    again = SmallDevice(sizes, passes.limit.max_cells)
    passes(sizes, again, 2)
    assert len(set(again.passes)) == 1


def test_one_input_that_does_not_fit_is_an_error_that_says_its_size() -> None:
    with pytest.raises(EncoderError, match="size 9 "):
        ForwardPasses(CPU)([9], SmallDevice([9], 8), 2)


def test_nothing_in_is_nothing_out() -> None:
    assert ForwardPasses(CPU)([], SmallDevice([], 0), 3).shape == (0, 3)


@pytest.mark.parametrize(
    "device",
    ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU"))],
)
def test_what_is_copied_arrives(device: str) -> None:
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)[:, ::2]
    assert np.array_equal(DeviceCopier(torch.device(device))(array).cpu().numpy(), array)
