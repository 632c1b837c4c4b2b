"""Training of `mini`, the encoder that ships: `python -m vitrine.samples.mini.training [DATA]` or `train_mini`."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional
from transformers import BertTokenizer, VisionTextDualEncoderModel

from encoders.architectures.tokenizer import train_tokenizer
from encoders.huggingface.dual_encoder import pooled_features
from encoders.loading import load_encoder
from encoders.training.objectives.losses import info_nce
from vitrine.samples.mini import measuring
from vitrine.samples.mini.architecture import build_model, centre_pictures, export_model
from vitrine.samples.mini.batches import BatchSource, MiniBatchSampler, MiniTrainingBatch, Tokens
from vitrine.samples.mini.card import write_record
from vitrine.samples.mini.config import MiniConfig, TrainingPhase
from vitrine.samples.mini.data.corpus import Corpus, CorpusConfig, open_corpus, open_held_out

_CENTRED_BATCH = 64


def train_mini(config: MiniConfig) -> Path:
    """Train, or go on training, and write the model directory.

    Returns:
        `config.output`, holding weights, configuration, tokenizer, image processor, model card and record.
    """
    torch.set_num_threads(config.threads)
    corpus = open_corpus(config.corpus, config.work / "data")
    tokenizer = _tokenizer(config, corpus)
    run = _Run(config)
    run.resume()
    end = 0
    for phase in config.phases:
        start, end = end, end + phase.steps
        if phase.centred and run.step == start:
            run.centre(_photos(corpus, config.architecture.picture_side))
        batches = _batches(phase, corpus, tokenizer, config.architecture.picture_side)
        run.train(batches, end, words_alone=phase.centred)
    export_model(run.averaged(), tokenizer, config.architecture, config.output)
    _measure(config)
    return config.output


def _tokenizer(config: MiniConfig, corpus: Corpus) -> BertTokenizer:
    """The run's tokenizer, kept beside its checkpoint: resumed weights mean nothing with other pieces."""
    directory = config.work / "tokenizer"
    if not directory.is_dir():
        shape = config.architecture
        train_tokenizer(corpus.texts(), shape.pieces, shape.max_tokens).save_pretrained(directory)
    return BertTokenizer.from_pretrained(directory)


def _measure(config: MiniConfig) -> None:
    """Measure the exported model, as others will load it, and write its card."""
    encoder = load_encoder(str(config.output), "cpu")
    reports = measuring.measure_rendered(encoder, open_held_out(config.corpus, config.work / "data"))
    data = config.corpus.real_data
    if data is not None and (data / "image_queries.jsonl").is_file():
        reports += measuring.measure_real(encoder, data, measuring.embed_real_products(encoder, data))
    speed = measuring.products_per_second(encoder)
    print(*reports, f"{speed:.0f} products/s", sep="\n", flush=True)
    write_record(config.output, config, reports, speed)


def _batches(phase: TrainingPhase, corpus: Corpus, tokenizer: BertTokenizer, side: int) -> MiniBatchSampler:
    shares = ((corpus.rendered, phase.rendered), (corpus.invented, phase.invented), (corpus.photos, phase.photos))
    sources = [BatchSource(store, share) for store, share in shares if store is not None and share]
    return MiniBatchSampler(sources, corpus.listings, phase, tokenizer, side)


def _photos(corpus: Corpus, side: int) -> Iterator[Tensor]:
    """Main pictures of the real products and amateur photos that are learnt from; of invented things without any."""
    store = corpus.photos or corpus.invented
    rows = store.rows(held_out=False)
    for start in range(0, len(rows), _CENTRED_BATCH):
        levels = torch.from_numpy(store.pictures[rows[start : start + _CENTRED_BATCH], 0]).permute(0, 3, 1, 2)
        yield functional.interpolate(levels.float() / 127.5 - 1, (side, side), mode="bicubic", antialias=True)


class _Run:
    """Weights, optimiser and step count of a run, and their checkpoint."""

    def __init__(self, config: MiniConfig) -> None:
        torch.manual_seed(config.seed)
        self._config = config
        self._model = build_model(config.architecture)
        _convolve_in_float32(self._model)
        self._average = {name: tensor.clone() for name, tensor in self._model.state_dict().items()}
        self._optimiser = torch.optim.AdamW(_decayed(self._model, config.weight_decay), lr=config.learning_rate)
        self._checkpoint = config.work / "checkpoint.pt"
        self._centred_at = -1
        self.step = 0

    def resume(self) -> None:
        """Go on from the last checkpoint, where there is one."""
        if not self._checkpoint.is_file():
            return
        state = torch.load(self._checkpoint, weights_only=True)
        self._model.load_state_dict(state["model"])
        self._average = state["average"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._centred_at = state["centred_at"]
        self.step = state["step"]
        print(f"resumed at step {self.step} from {self._checkpoint}", flush=True)

    def save(self) -> None:
        """Write a checkpoint; a crash in the middle leaves the last one whole."""
        state = {
            "model": self._model.state_dict(),
            "average": self._average,
            "optimiser": self._optimiser.state_dict(),
            "centred_at": self._centred_at,
            "step": self.step,
        }
        unfinished = self._checkpoint.with_suffix(".tmp")
        torch.save(state, unfinished)
        unfinished.replace(self._checkpoint)

    def centre(self, pictures: Iterable[Tensor]) -> None:
        """Go on from the averaged weights, with the mean picture taken out; not again where a run was resumed."""
        if self._centred_at == self.step:
            return
        self._model.load_state_dict(self._average)
        length = centre_pictures(self._model, pictures)
        print(f"step {self.step}: a mean picture of length {length:.2f} is taken out", flush=True)
        self._average = {name: tensor.clone() for name, tensor in self._model.state_dict().items()}
        self._centred_at = self.step
        self.save()

    def train(self, batches: MiniBatchSampler, end: int, *, words_alone: bool) -> None:
        """Train up to the step `end`, with progress lines and checkpoints; `words_alone`: pictures stay as they are."""
        for part in ("vision_model", "visual_projection"):
            self._model.get_submodule(part).requires_grad_(not words_alone)
        started, first = time.monotonic(), self.step
        while self.step < end:
            losses = self.train_step(batches.draw(self._config.seed, self.step))
            if self.step % 10 == 0:
                _report(self.step, end, losses, (time.monotonic() - started) / (self.step - first))
            if self.step % self._config.checkpoint_every == 0:
                self.save()

    def train_step(self, batch: MiniTrainingBatch) -> dict[str, float]:
        """One step of the optimiser; returns the losses by name."""
        self._model.train()
        for group in self._optimiser.param_groups:
            group["lr"] = _learning_rate(self._config, self.step)
        losses = self._losses(batch)
        self._optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimiser.step()
        self._model.logit_scale.data.clamp_(math.log(5), math.log(40))
        self.step += 1
        self._average_in()
        return {name: loss.item() for name, loss in losses.items()}

    def averaged(self) -> VisionTextDualEncoderModel:
        """The model with its averaged weights."""
        self._model.load_state_dict(self._average)
        return self._model.eval()

    def _losses(self, batch: MiniTrainingBatch) -> dict[str, Tensor]:
        config, model = self._config, self._model
        learning = model.visual_projection.weight.requires_grad
        with torch.autocast("cpu", torch.bfloat16), torch.set_grad_enabled(learning):
            pictures = torch.cat(batch.pictures).to(memory_format=torch.channels_last)
            image_vectors = pooled_features(model.get_image_features(pixel_values=pictures))
        first, second = functional.normalize(image_vectors.float(), dim=-1).chunk(2)
        losses: dict[str, Tensor] = {}
        if learning:
            losses["pictures"] = config.picture_weight * info_nce(first, second, config.picture_scale)
        if batch.texts is not None:
            losses |= self._text_losses(batch.texts, batch, first, second)
        return losses

    def _text_losses(
        self, texts: tuple[Tokens, Tokens], batch: MiniTrainingBatch, first: Tensor, second: Tensor
    ) -> dict[str, Tensor]:
        config, model = self._config, self._model
        text_tower = cast("Callable[..., object]", model.get_text_features)
        with torch.autocast("cpu", torch.bfloat16):
            left, right = (pooled_features(text_tower(**tokens)) for tokens in texts)
        left, right = (functional.normalize(vectors.float(), dim=-1) for vectors in (left, right))
        scale, rows = model.logit_scale.exp(), batch.rows_with_texts
        count = len(rows)
        alike = batch.false_negatives[:count, :count]
        cross = info_nce(left[:count], first[rows], scale, alike)
        cross = cross + info_nce(right[:count], second[rows], scale, alike)
        return {
            "cross": config.cross_weight * cross / 2,
            "texts": config.text_weight * info_nce(left, right, scale, batch.false_negatives),
        }

    def _average_in(self) -> None:
        steps = self.step - max(0, self._centred_at)
        decay = min(self._config.average_decay, (1 + steps) / (10 + steps))
        for name, tensor in self._model.state_dict().items():
            if tensor.is_floating_point():
                self._average[name].lerp_(tensor, 1 - decay)
            else:
                self._average[name].copy_(tensor)


class _Float32Convolution(torch.nn.Conv2d):
    """A convolution kept out of the automatic half precision, in which its backward pass takes twice as long.

    Matrix products, most of the rest, are twice as fast in it on CPUs with matrix units.
    """

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float())


def _convolve_in_float32(model: torch.nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.__class__ = _Float32Convolution


def _decayed(model: VisionTextDualEncoderModel, decay: float) -> Iterator[dict[str, object]]:
    """Parameter groups: matrices shrink, scales, biases and the temperature do not."""
    parameters = list(model.parameters())
    yield {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": decay}
    yield {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0}


def _learning_rate(config: MiniConfig, step: int) -> float:
    """Linear warm-up, then half a cosine down to 1 %; both begin anew where pictures are centred."""
    start, end = _stretch(config, step)
    step, steps = step - start, end - start
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
    return config.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


def _stretch(config: MiniConfig, step: int) -> tuple[int, int]:
    """First step and end of the phases around a step that share a course of the learning rate."""
    start = end = 0
    for phase in config.phases:
        if phase.centred:
            if step < end:
                break
            start = end
        end += phase.steps
    return start, end


def _report(step: int, steps: int, losses: dict[str, float], pace: float) -> None:
    shown = "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
    print(f"step {step}/{steps}  {shown}  {pace:.2f} s/step  {(steps - step) * pace / 60:.0f} min left", flush=True)


if __name__ == "__main__":
    train_mini(MiniConfig(corpus=CorpusConfig(real_data=Path(sys.argv[1]) if sys.argv[1:] else None)))
