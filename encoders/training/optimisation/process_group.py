"""One process or several of one run, each embedding its share of every batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from encoders.errors import EncoderError


class TrainingProcesses(Protocol):
    """The processes of a run. All draw the same batches and hold the same weights."""

    rank: int
    count: int

    def gather(self, rows: Tensor, sizes: list[int]) -> Tensor:
        """Rows (own, dim) of all processes below each other (sum of `sizes`, dim), in the order of the processes."""
        ...

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its sum over the processes."""
        ...

    def broadcast(self, value: float) -> float:
        """The first process's value, everywhere."""
        ...


class SingleProcess:
    """A run in this process alone."""

    rank = 0
    count = 1

    def gather(self, rows: Tensor, sizes: list[int]) -> Tensor:
        """The rows (n, dim) themselves."""
        return rows

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        pass

    def broadcast(self, value: float) -> float:
        return value


class AccelerateProcessGroup:
    """The processes that `accelerate launch` started, on one device each."""

    def __init__(self, accelerator: Any) -> None:
        """Args: accelerator: an `accelerate.Accelerator`."""
        self._accelerator = accelerator
        self.rank: int = accelerator.process_index
        self.count: int = accelerator.num_processes

    def gather(self, rows: Tensor, sizes: list[int]) -> Tensor:
        """Rows (own, dim) of all processes below each other (sum of `sizes`, dim), in the order of the processes."""
        padded = rows.new_zeros(max(sizes), rows.shape[1])
        padded[: len(rows)] = rows
        everything = self._accelerator.gather(padded[None])
        return torch.cat([everything[place, :size] for place, size in enumerate(sizes)])

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        for parameter in parameters:
            if parameter.requires_grad:
                own = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
                parameter.grad = self._accelerator.reduce(own, "sum")

    def broadcast(self, value: float) -> float:
        from accelerate.utils import broadcast

        sent: Any = broadcast(torch.tensor([value], dtype=torch.float64, device=self._accelerator.device))
        return float(sent[0])


def launched_process_group() -> tuple[TrainingProcesses, torch.device]:
    """The processes that this one was launched among, and its device.

    Raises:
        EncoderError: `accelerate launch` started it and accelerate is not installed.
    """
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise EncoderError("training on several devices needs accelerate: install vitrine[train]") from error
    accelerator = Accelerator()
    return (
        AccelerateProcessGroup(accelerator) if accelerator.num_processes > 1 else SingleProcess()
    ), accelerator.device
