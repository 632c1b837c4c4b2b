"""The training loop: steps in bounded time, measured, resumable, stopped when held-out retrieval stops rising."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from encoders.training.config import TuningConfig
from encoders.training.data.batches import BatchSampler, BatchSide, Neighbours
from encoders.training.data.catalogue import TrainingCatalogue
from encoders.training.evaluation.held_out import embed_catalogue, hard_negatives, held_out_reports, stopping_score
from encoders.training.evaluation.metrics import RetrievalReport
from encoders.training.evaluation.tensorboard import TensorBoardLog
from encoders.training.objectives.losses import Objective
from encoders.training.objectives.teachers import Teacher, distillation_targets
from encoders.training.optimisation.gradients import GradientAccumulator, process_rows
from encoders.training.optimisation.parameters import parameter_groups
from encoders.training.optimisation.process_group import SingleProcess, TrainingProcesses
from encoders.training.trainable import Trainable

_NEIGHBOURS_PER_NEGATIVE = 5
"""Near misses looked up for each hard negative of a batch, of which the batch draws some."""
_CLIP = 1.0
"""The largest norm of the gradient; longer ones are scaled down to it."""
_FIRST_STEPS = 10
"""Steps in which the learning rate rises, however short the run: the optimiser does not know the scales yet."""


@dataclass
class TrainingProgress:
    """How far a run is; kept in its checkpoint."""

    step: int = 0
    seconds: float = 0.0
    best: float = -1.0
    best_step: int = 0
    stale: int = 0
    """Measurements since the best one."""
    measured: int = 0
    stopped: str = ""
    """Why the run ended before its time; empty where it did not."""
    curve: list[dict[str, float]] = field(default_factory=list)
    """Step, score and seconds of each measurement."""


class Trainer:
    """A run over one model and one catalogue. After `run`, the model has the best weights that were measured."""

    def __init__(
        self,
        model: Trainable,
        material: TrainingCatalogue,
        config: TuningConfig,
        teachers: Sequence[Teacher] = (),
        processes: TrainingProcesses | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        """Take a model whose frozen parameters are frozen already.

        Args:
            model: is trained in place.
            material: the catalogue.
            config: all settings.
            teachers: whose similarities are imitated.
            processes: those of the run; this one alone if absent.
            say: takes progress lines.
        """
        self._model, self._material, self._config, self._teachers = model, material, config, teachers
        self._processes = processes or SingleProcess()
        self._say = say if self._processes.rank == 0 else lambda _: None
        torch.manual_seed(config.seed)
        self._objective = Objective(config, model.dim, len(material.categories)).to(self._device)
        self._batches = BatchSampler(material, config)
        self._gradients = GradientAccumulator(model, self._objective, self._processes, config.chunk, config.precision)
        self._optimiser = torch.optim.AdamW(parameter_groups(model, self._objective, config))
        self._average = _copied(model)
        self._best: dict[str, Tensor] = {}
        self._neighbours: Neighbours | None = None
        self._checkpoint = config.work / "checkpoint.pt"
        self._board = TensorBoardLog(config.tensorboard if self._processes.rank == 0 else None)
        self.progress = TrainingProgress()

    @property
    def _device(self) -> torch.device:
        return next(iter(self._model.parameters())).device

    def run(self) -> list[RetrievalReport]:
        """Train to the end; returns held-out retrieval with the weights that the model now has."""
        self._resume()
        if not self.progress.measured:
            self._measure()
        started, saved = time.monotonic() - self.progress.seconds, time.monotonic()
        while (share := self._done()) < 1 and not self.progress.stopped:
            losses = self.train_step(share)
            self.progress.seconds = self._processes.broadcast(time.monotonic() - started)
            self._report(losses)
            if self._done() * self._config.evaluations >= self.progress.measured:
                self._measure()
            if time.monotonic() - saved >= self._config.checkpoint_every_s:
                self._save()
                saved = time.monotonic()
        self._save()
        _load(self._model, self._best)
        reports = self._reports()
        self._board.log_embeddings(self._model, self._material)
        self._board.close()
        return reports

    def _done(self) -> float:
        """The share of the run that is over, from 0 on: by steps or by time, whichever is more."""
        by_steps = self.progress.step / self._config.steps if self._config.steps else 0.0
        by_time = self.progress.seconds / (60 * self._config.minutes) if self._config.minutes else 0.0
        return max(by_steps, by_time)

    def train_step(self, share: float) -> dict[str, float]:
        """Take one step of the optimiser.

        Args:
            share: how much of the run is over, from 0 to 1; the learning rate depends on it.

        Returns:
            The losses by name, weighted as they are summed, before the step.
        """
        step = self.progress.step
        # Seeded each step: what a resumed run draws, dropout included, is what an unbroken one would have.
        torch.manual_seed(self._config.seed * 1_000_003 + step)
        batch = self._batches.draw(step, self._neighbours)
        targets = distillation_targets(self._teachers, batch, self._config.tasks)
        self._model.train(True)
        self._optimiser.zero_grad(set_to_none=True)
        losses = self._gradients.compute(
            batch, {side: self._share(inputs) for side, inputs in batch.sides.items()}, targets
        )
        self._update(share)
        self.progress.step += 1
        return losses

    def _share(self, inputs: BatchSide) -> BatchSide:
        """This process's rows of a side, with their pictures."""
        start, stop = process_rows(len(inputs.rows), self._processes.rank, self._processes.count)
        seed = (self._config.seed * 1_000_003 + self.progress.step) * 64 + self._processes.rank
        generator = torch.Generator().manual_seed(seed)
        share = inputs.rows_between(start, stop)
        return (
            share.with_pictures(self._material.pictures, self._config.augmentation, generator)
            if share.pictures
            else share
        )

    def _update(self, share: float) -> None:
        factor = learning_rate_factor(share, self._config.warmup) * min(1.0, (self.progress.step + 1) / _FIRST_STEPS)
        for group in self._optimiser.param_groups:
            group["lr"] = group["full_lr"] * factor
        scaler = self._gradients.scaler
        scaler.unscale_(self._optimiser)
        torch.nn.utils.clip_grad_norm_([p for p in self._model.parameters() if p.requires_grad], _CLIP)
        scaler.step(self._optimiser)
        scaler.update()
        self._average_in()

    def _average_in(self) -> None:
        decay = min(self._config.average_decay, (1 + self.progress.step) / (10 + self.progress.step))
        for name, tensor in self._model.state_dict().items():
            kept = self._average[name]
            kept.lerp_(tensor.to(kept), 1 - decay) if kept.is_floating_point() else kept.copy_(tensor)

    def _measure(self) -> None:
        """Held-out retrieval of the averaged weights; the best are kept, and near misses are looked up anew."""
        current = _copied(self._model)
        _load(self._model, self._average)
        score = self._processes.broadcast(self._score())
        _load(self._model, current)
        progress = self.progress
        progress.measured += 1
        progress.curve.append({"step": progress.step, "score": score, "seconds": round(progress.seconds, 1)})
        if score > progress.best:
            progress.best, progress.best_step, progress.stale = score, progress.step, 0
            self._best = {name: tensor.clone() for name, tensor in self._average.items()}
        else:
            progress.stale += 1
            if progress.stale >= self._config.patience:
                progress.stopped = f"no better for {progress.stale} measurements"
        self._say(f"step {progress.step}  held-out score {score:.4f}  best {progress.best:.4f}")

    def _score(self) -> float:
        reports = self._reports()
        self._board.log_retrieval(self.progress.step, reports)
        # A catalogue without anything to hold out keeps its last weights.
        return stopping_score(reports) if reports else float(self.progress.step)

    def _reports(self) -> list[RetrievalReport]:
        embeddings = embed_catalogue(self._model, self._material, joint=self._config.joint)
        if self._config.hard_negatives:
            count = self._config.hard_negatives * _NEIGHBOURS_PER_NEGATIVE
            self._neighbours = hard_negatives(embeddings, self._material.identity_texts(), count)
        reports = held_out_reports(self._model, self._material, embeddings)
        self._board.log_examples(self.progress.step, self._material, embeddings)
        return reports

    def _report(self, losses: dict[str, float]) -> None:
        step = self.progress.step
        self._board.log_losses(step, losses, self._optimiser.param_groups[0]["lr"])
        if step % 20 == 0:
            shown = "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
            self._say(f"step {step}  {self._done():.0%}  {shown}  {self.progress.seconds / step:.2f} s/step")

    def _save(self) -> None:
        """Write a checkpoint; a crash in the middle leaves the last one whole."""
        if self._processes.rank:
            return
        self._checkpoint.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._checkpoint.with_suffix(".tmp")
        torch.save(
            {
                "model": self._model.state_dict(),
                "average": self._average,
                "best": self._best,
                "objective": self._objective.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "scaler": self._gradients.scaler.state_dict(),
                "neighbours": None if self._neighbours is None else torch.from_numpy(self._neighbours),
                "progress": vars(self.progress),
            },
            unfinished,
        )
        unfinished.replace(self._checkpoint)

    def _resume(self) -> None:
        """Go on from the last checkpoint, where there is one."""
        if not self._checkpoint.is_file():
            return
        state: dict[str, Any] = torch.load(self._checkpoint, weights_only=True, map_location=self._device)
        _load(self._model, state["model"])
        self._average, self._best = state["average"], state["best"]
        self._objective.load_state_dict(state["objective"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._gradients.scaler.load_state_dict(state["scaler"])
        self._neighbours = None if state["neighbours"] is None else state["neighbours"].cpu().numpy()
        self.progress = TrainingProgress(**state["progress"])
        self._say(f"resumed at step {self.progress.step} from {self._checkpoint}")


def learning_rate_factor(progress: float, warmup: float) -> float:
    """Linear warm-up over the first share of a run, then half a cosine down to 1 %."""
    if progress < warmup:
        return 0.05 + 0.95 * progress / warmup
    return 0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup)))) / 2


def _copied(model: Trainable) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _load(model: Trainable, state: dict[str, Tensor]) -> None:
    model.load_state_dict(state)
