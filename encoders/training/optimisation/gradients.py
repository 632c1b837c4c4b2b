"""Gradients of one batch: at once, or in pieces that fit into memory and are spread over processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Final

import torch
from torch import Tensor

from encoders.training.config import BatchSideName, Precision
from encoders.training.data.batches import BatchSide, TrainingBatch
from encoders.training.objectives.losses import EmbeddedSide, Objective
from encoders.training.optimisation.process_group import TrainingProcesses
from encoders.training.trainable import Trainable

_TYPES: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class GradientAccumulator:
    """Fills `.grad` of a model and its objective with those of a batch's losses.

    With a chunk or several processes, embeddings are made without gradients first, the losses of the whole batch give
    a gradient for each embedding, and each piece is then embedded again to carry its own on into the weights. The
    result is that of the whole batch at once.

    Source: Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", 2021.
    """

    def __init__(
        self,
        model: Trainable,
        objective: Objective,
        processes: TrainingProcesses,
        chunk: int | None,
        precision: Precision,
    ) -> None:
        self._model = model
        self._objective = objective
        self._processes = processes
        self._chunk = chunk
        self._precision: Precision = precision
        self._scaler = torch.amp.GradScaler(enabled=precision == "float16")

    @property
    def scaler(self) -> torch.amp.GradScaler:
        """Keeps half-precision gradients from vanishing; does nothing in other precisions."""
        return self._scaler

    def compute(
        self, batch: TrainingBatch, sides: Mapping[BatchSideName, BatchSide], targets: Mapping[str, Tensor]
    ) -> dict[str, float]:
        """Compute gradients.

        Args:
            batch: the whole batch.
            sides: this process's share of each side, pictures loaded.
            targets: teachers' similarities (n, n) by task, as `Objective` takes them.

        Returns:
            Losses by name.
        """
        if self._chunk is None and self._processes.count == 1:
            embedded: dict[BatchSideName, Tensor] = {side: self._embed(inputs) for side, inputs in sides.items()}
            return self._backward(batch, embedded, targets)
        return self._in_pieces(batch, sides, targets)

    def _in_pieces(
        self, batch: TrainingBatch, sides: Mapping[BatchSideName, BatchSide], targets: Mapping[str, Tensor]
    ) -> dict[str, float]:
        pieces: dict[BatchSideName, list[BatchSide]] = {
            side: list(self._pieces(inputs)) for side, inputs in sides.items()
        }
        states = {side: [_random_state()] * len(pieces[side]) for side in sides}
        shares: dict[BatchSideName, Tensor] = {}
        whole: dict[BatchSideName, Tensor] = {}
        for side, parts in pieces.items():
            rows: list[Tensor] = []
            for place, part in enumerate(parts):
                states[side][place] = _random_state()
                with torch.no_grad():
                    rows.append(self._embed(part))
            shares[side] = torch.cat(rows) if rows else torch.zeros(0, self._model.dim)
            whole[side] = self._gathered(batch, side, shares[side])
        losses = self._backward(batch, whole, targets)
        for side, parts in pieces.items():
            gradient = self._own(batch, side, whole[side].grad)
            for part, state, own in zip(
                parts, states[side], gradient.split([len(part.rows) for part in parts]), strict=True
            ):
                with _restored_random_state(state):
                    rows_again = self._embed(part)
                rows_again.backward(own.to(rows_again.dtype))
        self._sum_gradients()
        return losses

    def _backward(
        self, batch: TrainingBatch, rows: Mapping[BatchSideName, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, float]:
        device = next(iter(rows.values())).device
        sides = {
            side: EmbeddedSide(vectors, torch.tensor(batch.sides[side].rows, device=device))
            for side, vectors in rows.items()
        }
        on_device = {name: similar.to(device) for name, similar in targets.items()}
        losses = self._objective(sides, batch.alike.to(device), batch.categories.to(device), on_device)
        if losses:
            self._scaler.scale(torch.stack(list(losses.values())).sum()).backward()
        return {name: loss.item() for name, loss in losses.items()}

    def _embed(self, inputs: BatchSide) -> Tensor:
        kind = next(iter(self._model.parameters())).device.type
        with torch.autocast(kind, _TYPES[self._precision], enabled=self._precision != "float32"):
            return inputs.embed(self._model).float()

    def _pieces(self, inputs: BatchSide) -> Iterator[BatchSide]:
        count = len(inputs.rows)
        size = self._chunk or max(1, count)
        for start in range(0, count, size):
            yield inputs.rows_between(start, min(count, start + size))

    def _gathered(self, batch: TrainingBatch, side: BatchSideName, share: Tensor) -> Tensor:
        spans = [
            process_rows(len(batch.sides[side].rows), place, self._processes.count)
            for place in range(self._processes.count)
        ]
        return self._processes.gather(share, [stop - start for start, stop in spans]).requires_grad_()

    def _own(self, batch: TrainingBatch, side: BatchSideName, gradient: Tensor | None) -> Tensor:
        count = len(batch.sides[side].rows)
        start, stop = process_rows(count, self._processes.rank, self._processes.count)
        return torch.zeros(stop - start, self._model.dim) if gradient is None else gradient[start:stop]

    def _sum_gradients(self) -> None:
        heads = list(self._objective.parameters())
        for parameter in heads:
            if parameter.grad is not None:
                # Every process has the whole of it.
                parameter.grad /= self._processes.count
        self._processes.sum_gradients([*self._model.parameters(), *heads])


def process_rows(count: int, place: int, places: int) -> tuple[int, int]:
    """First and last-but-one of the rows that a process has of so many."""
    return count * place // places, count * (place + 1) // places


def _random_state() -> tuple[Tensor, list[Tensor]]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return torch.get_rng_state(), cuda


class _restored_random_state(AbstractContextManager[None]):
    """The random numbers of an earlier moment, so that dropout falls on the same places again."""

    def __init__(self, state: tuple[Tensor, list[Tensor]]) -> None:
        self._state = state

    def __enter__(self) -> None:
        self._now = _random_state()
        _set_random_state(self._state)

    def __exit__(self, *_: object) -> None:
        _set_random_state(self._now)


def _set_random_state(state: tuple[Tensor, list[Tensor]]) -> None:
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])
