"""Dual encoders in the Hugging Face format: CLIP, SigLIP, SigLIP 2, Chinese-CLIP and any two towers joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModel,
    AutoProcessor,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from encoders import checkpoints
from encoders.errors import EncoderError, ModelUnavailable
from encoders.preparation import Pixels
from encoders.preprocessing import image_preprocessor
from encoders.spec import EmbeddingSpec, FloatArray, unit

MAX_BATCH, MAX_BATCH_ON_CPU = 64, 32
"""Rows of one forward pass: past this, throughput no longer grows, and memory does; on a CPU it would not stay flat."""
_FULL_PADDING: Final = frozenset({"siglip", "siglip2"})
"""Families trained without an attention mask, on texts padded to the full length."""
_LONGEST_TOKEN: Final = 64
"""Characters; a megabyte of text is cut to this many a token before it is tokenised, not after."""
_OFFSET_POSITIONS: Final = frozenset({"roberta", "xlm-roberta", "camembert"})
"""Text towers that number positions from `pad_token_id + 1`, and so take that many tokens fewer."""


class HfDualEncoder:
    """A text tower and an image tower in one vector space, behind the `Encoder` port."""

    def __init__(self, directory: Path, device: torch.device, name: str | None = None) -> None:
        """Load a checkpoint, and pass one text and one picture through it to see that its parts fit.

        Args:
            directory: Config, safetensors weights, tokenizer and image processor.
            device: Where the forward passes run.
            name: Model name in the spec; the directory's own name if absent.

        Raises:
            ModelUnavailable: the files are missing, of another kind, or do not fit together.
        """
        self._full_padding = checkpoints.check(directory) in _FULL_PADDING
        self._device = device
        self._max_batch = MAX_BATCH_ON_CPU if device.type == "cpu" else MAX_BATCH
        config, processor, model = _load(directory, device)
        self._text_tower: Callable[..., object] = model.get_text_features
        self._image_tower: Callable[..., object] = model.get_image_features
        self._tokenizer: PreTrainedTokenizerBase = processor.tokenizer
        self._max_tokens = _max_tokens(config, self._tokenizer)
        self._images = image_preprocessor(processor.image_processor)
        self.preparer = self._images.preparer
        version = checkpoints.content_version(directory)
        self.spec = EmbeddingSpec(name or directory.resolve().name, version, self._probe(directory))

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        tokens = self._tokenize(texts)
        return self._in_batches(
            [len(row["input_ids"]) for row in tokens], lambda rows: self._text_features([tokens[i] for i in rows])
        )

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        return self._in_batches([0] * len(images), lambda rows: self._image_features([images[i] for i in rows]))

    def _in_batches(self, lengths: Sequence[int], features: Callable[[list[int]], Tensor]) -> FloatArray:
        """Run batches of like length, so that short texts are not padded to a long one, and restore the order."""
        out = np.zeros((len(lengths), self.spec.dim), np.float32)
        for rows in _buckets(lengths, self._max_batch):
            out[rows] = unit(features(rows).float().cpu().numpy())
        return out

    def _tokenize(self, texts: Sequence[str]) -> list[dict[str, list[int]]]:
        if not texts:
            return []
        readable = [_readable(text, self._max_tokens) for text in texts]
        columns = self._tokenizer(readable, truncation=True, max_length=self._max_tokens)
        return [{name: columns[name][row] for name in columns} for row in range(len(texts))]

    @torch.inference_mode()
    def _text_features(self, tokens: list[dict[str, list[int]]]) -> Tensor:
        # A tokenizer without start and end marks makes no token of an empty text; towers need one.
        length = self._max_tokens if self._full_padding else max(1, *(len(row["input_ids"]) for row in tokens))
        batch = self._tokenizer.pad(tokens, padding="max_length", max_length=length, return_tensors="pt")
        return pooled(self._text_tower(**batch.to(self._device)))

    @torch.inference_mode()
    def _image_features(self, images: list[Pixels]) -> Tensor:
        return pooled(self._image_tower(**self._images.inputs(images, self._device)))

    def _probe(self, directory: Path) -> int:
        try:
            text = self._text_features(self._tokenize(["probe"])).shape[-1]
            image = self._image_features([self.preparer(Image.new("RGB", (64, 48)))]).shape[-1]
        except EncoderError:
            raise
        except Exception as error:
            raise ModelUnavailable(
                f"{directory}: tokenizer, image processor and weights do not fit: {error}"
            ) from error
        if text != image:
            raise ModelUnavailable(f"{directory} makes {text} dimensions for text and {image} for images")
        return int(text)


def _load(directory: Path, device: torch.device) -> tuple[PreTrainedConfig, Any, Any]:
    # A service's log is no place for a bar that redraws itself.
    disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
        processor = AutoProcessor.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
        model, report = AutoModel.from_pretrained(
            directory,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:
        raise ModelUnavailable(f"model in {directory} cannot be loaded: {type(error).__name__}: {error}") from error
    if missing := sorted(report["missing_keys"]):
        # transformers would fill them with random numbers and go on.
        raise ModelUnavailable(f"weights in {directory} lack {len(missing)} tensors, the first is {missing[0]}")
    return config, processor, model.eval().to(device)


def _max_tokens(config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    text = config.text_config
    positions = int(text.max_position_embeddings)
    if text.model_type in _OFFSET_POSITIONS:
        positions -= int(text.pad_token_id) + 1
    # A tokenizer that knows no limit states an astronomic one.
    return min(positions, int(tokenizer.model_max_length))


def _readable(text: str, max_tokens: int) -> str:
    """The head of a text that can matter, without the lone surrogates that tokenizers refuse."""
    return text[: max_tokens * _LONGEST_TOKEN].encode("utf-8", "replace").decode("utf-8")


def _buckets(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for start in range(0, len(order), most):
        yield order[start : start + most]


def pooled(features: object) -> Tensor:
    """The embedding out of what `get_*_features` returns: a tensor up to transformers 4, an output object since."""
    if isinstance(features, Tensor):
        return features
    embedding = getattr(features, "pooler_output", None)
    if not isinstance(embedding, Tensor):
        raise ModelUnavailable(f"the model returned {type(features).__name__} without a pooled embedding")
    return embedding
