"""Gradients in pieces and in several processes are those of the whole batch at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from encoders.training.config import Augmentation, TuningConfig
from encoders.training.data.batches import BatchSampler
from encoders.training.data.catalogue import prepare_catalogue
from encoders.training.data.listings import TrainingListing
from encoders.training.dual_encoder import TrainableDualEncoder
from encoders.training.objectives.losses import Objective
from encoders.training.optimisation.gradients import GradientAccumulator, process_rows
from encoders.training.optimisation.process_group import AccelerateProcessGroup, SingleProcess, TrainingProcesses

OFF = Augmentation(0, 0, 0, 1, 0, 0, 0, 0)
Gradients = dict[str, torch.Tensor]


def gradients(
    checkpoint: Path, listings: list[TrainingListing], work: Path, chunk: int | None, processes: TrainingProcesses
) -> tuple[Gradients, dict[str, float]]:
    """Those of one batch, from a fresh model."""
    config = TuningConfig(work, batch=10, chunk=chunk, augmentation=OFF, category_weight=0.3)
    model = TrainableDualEncoder(checkpoint)
    material = prepare_catalogue(listings, model.preparer, work / str(processes.rank))
    torch.manual_seed(0)
    objective = Objective(config, model.dim, len(material.categories))
    maker = GradientAccumulator(model, objective, processes, chunk, "float32")
    batch = BatchSampler(material, config).draw(0)
    shares = {
        side: inputs.rows_between(*process_rows(len(inputs.rows), processes.rank, processes.count)).with_pictures(
            material.pictures, OFF, torch.Generator()
        )
        for side, inputs in batch.sides.items()
    }
    losses = maker.compute(batch, shares, {})
    named = [*model.named_parameters(), *objective.named_parameters()]
    return {name: one.grad for name, one in named if one.grad is not None}, losses


def test_gradients_in_pieces_are_those_of_the_whole_batch(
    checkpoint: Path, listings: list[TrainingListing], tmp_path: Path
) -> None:
    whole, losses = gradients(checkpoint, listings, tmp_path, None, SingleProcess())
    pieces, same = gradients(checkpoint, listings, tmp_path, 3, SingleProcess())
    assert same == pytest.approx(losses, rel=1e-4)
    assert whole.keys() == pieces.keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(pieces[name], gradient, atol=1e-5, rtol=1e-3)


def test_two_processes_have_the_gradients_of_one(
    checkpoint: Path, listings: list[TrainingListing], tmp_path: Path
) -> None:
    pytest.importorskip("accelerate")
    whole, _ = gradients(checkpoint, listings, tmp_path, None, SingleProcess())
    context = torch.multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(rank, checkpoint, listings, tmp_path)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    for rank in range(2):
        found = torch.load(tmp_path / f"gradients-{rank}.pt", weights_only=True)
        for name, gradient in found.items():
            # What no loss reaches has a gradient of zeros when there are several processes.
            torch.testing.assert_close(gradient, whole.get(name, torch.zeros_like(gradient)), atol=1e-5, rtol=1e-3)


def _work(rank: int, checkpoint: Path, listings: list[TrainingListing], directory: Path) -> None:
    """What a process that `accelerate launch` starts does; the meeting point is a file, so that no port is taken."""
    import os

    import torch.distributed as distributed
    from accelerate import Accelerator

    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", ACCELERATE_USE_CPU="true")
    # Looked for though the meeting point is the file.
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="1")
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{directory}/meet", rank=rank, world_size=2)
    processes = AccelerateProcessGroup(Accelerator(cpu=True))
    assert processes.count == 2
    found, _ = gradients(checkpoint, listings, directory, None, processes)
    torch.save(found, directory / f"gradients-{rank}.pt")
    distributed.destroy_process_group()
