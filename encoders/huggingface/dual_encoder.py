"""Dual encoders in the Hugging Face format: CLIP, SigLIP, SigLIP 2, Chinese-CLIP and any two towers joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModel,
    AutoProcessor,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)

from encoders import checkpoints
from encoders.errors import EncoderError, ModelUnavailable
from encoders.huggingface.forward_passes import DeviceCopier, ForwardPasses, JoinedPasses
from encoders.huggingface.library_output import leave_output_to_logging
from encoders.huggingface.preprocessing import image_preprocessor
from encoders.huggingface.semantic_visual import register_semantic_visual
from encoders.inference.buckets import compiled_count, compiled_length, compiled_shapes
from encoders.inference.forward_pass import ForwardPass
from encoders.inference.parity import min_cosine, probe_pictures, probe_texts
from encoders.inference.runtime import MIN_PARITY_COSINE, Runtime
from encoders.inference.tokens import TextBatcher, TokenRules, compiled_tokeniser
from encoders.media.preparation import Pixels
from encoders.spec import EmbeddingSpec, FloatArray

_FULL_PADDING: Final = frozenset({"siglip", "siglip2"})
"""Families trained without an attention mask, on texts padded to the full length."""
_OFFSET_POSITIONS: Final = frozenset({"roberta", "xlm-roberta", "camembert"})
"""Text towers that number positions from `pad_token_id + 1`, and so take that many tokens fewer."""
_TextInputs = tuple[int, Tensor, Tensor]
"""Of a batch on the device: how many texts it has, and token ids and mask (rows, length), which may be filled up."""
_ImageInputs = tuple[int, dict[str, Tensor]]
"""Of a batch on the device: how many pictures it has, and the image tower's arguments, which may be filled up."""
_TORCH_TYPES: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class HfDualEncoder:
    """A text tower and an image tower in one vector space, behind the `Encoder` port, run by torch."""

    def __init__(
        self, directory: Path, device: torch.device, name: str | None = None, runtime: Runtime | None = None
    ) -> None:
        """Load a checkpoint, and pass one text and one picture through it to see that its parts fit.

        Args:
            directory: Config, safetensors weights, tokenizer and image processor.
            device: Where the forward passes run.
            name: Model name in the spec; the directory's own name if absent.
            runtime: Precision and compilation; its device is not looked at.

        Raises:
            ModelUnavailable: the files are missing, of another kind, or do not fit together, or the device does not
                compute in that precision.
        """
        runtime = runtime or Runtime()
        full_padding = checkpoints.check_dual_encoder(directory) in _FULL_PADDING
        config, processor, model = _load(directory, device)
        self.tokenizer: Any = processor.tokenizer
        self.texts = _text_batcher(config, self.tokenizer, full_padding)
        self.images = image_preprocessor(processor.image_processor)
        self.preparer = self.images.preparer
        self.prompts = checkpoints.prompts_of(directory)
        self._copy, self._text_passes, self._image_passes = (
            DeviceCopier(device),
            ForwardPasses(device),
            ForwardPasses(device),
        )
        self._few_shapes = False
        self._run_with(model, torch.float32)
        version = checkpoints.content_version(directory) + runtime.version_suffix
        self.spec = EmbeddingSpec(name or directory.resolve().name, version, self._probe(directory))
        self._compute_in(runtime.precision, device, directory)
        if runtime.compile:
            self._compile(directory)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows."""
        return _at_once(self.stage_texts(texts))

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        return _at_once(self.stage_images(images))

    def stage_texts(self, texts: Sequence[str]) -> ForwardPass:
        """Tokenise texts, and start to copy them to the device."""
        ids = self.texts.token_ids(texts)
        lengths = [max(1, len(row)) for row in ids]
        return self._text_passes.stage(
            lengths, lambda rows: self._text_inputs([ids[at] for at in rows]), self._text_features, self.spec.dim
        )

    def stage_images(self, images: Sequence[Pixels]) -> ForwardPass:
        """Stack prepared pictures (height, width, 3) uint8, and start to copy them to the device."""
        groups = self.images.batchable_groups(images)
        parts = [(group, self._stage_group([images[at] for at in group])) for group in groups]
        return JoinedPasses(parts, len(images), self.spec.dim)

    def _stage_group(self, images: Sequence[Pixels]) -> ForwardPass:
        """The pass of pictures that can share one."""
        return self._image_passes.stage(
            [1] * len(images),
            lambda rows: self._image_inputs([images[at] for at in rows]),
            self._image_features,
            self.spec.dim,
        )

    def parity_probes(self) -> tuple[list[str], list[Pixels]]:
        """Texts and pictures (height, width, 3) uint8 by which two ways to compute embeddings are compared."""
        texts = probe_texts(self.tokenizer.decode, len(self.tokenizer), self.texts.rules.max_tokens)
        return texts, probe_pictures(self.preparer)

    @torch.inference_mode()
    def _text_inputs(self, ids: list[list[int]]) -> _TextInputs:
        length = count = 0
        if self._few_shapes:
            length = compiled_length(max(map(len, ids)), self.texts.rules.max_tokens)
            count = compiled_count(len(ids), self._text_passes.limit.max_count)
        tokens, mask = self.texts.pad(ids, length, count)
        return len(ids), self._copy(tokens), self._copy(mask)

    @torch.inference_mode()
    def _text_features(self, inputs: _TextInputs) -> Tensor:
        count, tokens, mask = inputs
        return self._text_tower(tokens, mask)[:count]

    def text_embeddings(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Token ids and mask (n, length) → embeddings (n, dim) of any length."""
        masked = {"attention_mask": attention_mask} if "attention_mask" in self.tokenizer.model_input_names else {}
        return pooled_features(self.model.get_text_features(input_ids=input_ids, **masked))

    @torch.inference_mode()
    def _image_inputs(self, images: list[Pixels]) -> _ImageInputs:
        filled = compiled_count(len(images), self._image_passes.limit.max_count) if self._few_shapes else len(images)
        return len(images), self.images.model_inputs([*images, *images[:1] * (filled - len(images))], self._copy)

    @torch.inference_mode()
    def _image_features(self, inputs: _ImageInputs) -> Tensor:
        count, arguments = inputs
        return self._image_tower(**arguments)[:count]

    def image_embeddings(self, pixel_values: Tensor, **inputs: Tensor) -> Tensor:
        """What the image tower takes, normalised → embeddings (n, dim) of any length."""
        return pooled_features(self.model.get_image_features(pixel_values=pixel_values.to(self._type), **inputs))

    def _probe(self, directory: Path) -> int:
        try:
            text = self._text_features(self._text_inputs(self.texts.token_ids(["probe"]))).shape[-1]
            picture = self.preparer(Image.new("RGB", (64, 48)))
            image = self._image_features(self._image_inputs([picture])).shape[-1]
        except EncoderError:
            raise
        except Exception as error:
            raise ModelUnavailable(
                f"{directory}: tokenizer, image processor and weights do not fit: {error}"
            ) from error
        if text != image:
            raise ModelUnavailable(f"{directory} makes {text} dimensions for text and {image} for images")
        return int(text)

    def _run_with(self, model: Any, kind: torch.dtype) -> None:
        self.model, self._type = model.to(kind), kind
        self._text_tower: Callable[..., Tensor] = self.text_embeddings
        self._image_tower: Callable[..., Tensor] = self.image_embeddings

    def _compute_in(self, precision: str, device: torch.device, directory: Path) -> None:
        """Turn the weights into a precision; `auto`: what a GPU is fast in, if the embeddings stay what they are."""
        if precision == "auto":
            if device.type == "cuda":
                self._compute_in_half(device, directory)
        elif precision in _TORCH_TYPES:
            self._run_with(self.model, _TORCH_TYPES[precision])
        else:
            raise ModelUnavailable(f"torch does not compute in {precision}: set encoder.precision to another")

    def _compute_in_half(self, device: torch.device, directory: Path) -> None:
        texts, pictures = self.parity_probes()
        before = self.encode_texts(texts), self.encode_images(pictures)
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        self._run_with(self.model, torch.bfloat16 if has_bfloat16 else torch.float16)
        if min_cosine(before, (self.encode_texts(texts), self.encode_images(pictures))) < MIN_PARITY_COSINE:
            self._run_with(_load(directory, device)[2], torch.float32)

    def _compile(self, directory: Path) -> None:
        """Compile the towers, each for as many shapes as batches are padded to and no more."""
        self._few_shapes = True
        shapes = compiled_shapes(self._text_passes.limit.max_count, self.texts.rules.max_tokens)
        torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 2 * shapes)
        self._text_tower = torch.compile(self.text_embeddings, dynamic=False)
        self._image_tower = torch.compile(self.image_embeddings, dynamic=False)
        self._probe(directory)


def _at_once(one: ForwardPass) -> FloatArray:
    one.launch()
    return one.rows()


def _load(directory: Path, device: torch.device) -> tuple[PreTrainedConfig, Any, Any]:
    # A service's log is no place for a bar that redraws itself.
    leave_output_to_logging()
    register_semantic_visual()
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


def _text_batcher(config: PreTrainedConfig, tokenizer: Any, full_padding: bool) -> TextBatcher:
    most = _max_tokens(config, tokenizer)
    rules = TokenRules(most, int(tokenizer.pad_token_id or 0), full_padding, tokenizer.padding_side == "left")
    if is_compiled_tokenizer(tokenizer):
        return TextBatcher(rules, compiled_tokeniser(Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()), most))
    return TextBatcher(rules, lambda texts: tokenizer(texts, truncation=True, max_length=most)["input_ids"])


def is_compiled_tokenizer(tokenizer: Any) -> bool:
    """Whether all that a tokenizer does, a `tokenizers.Tokenizer` does by itself."""
    return bool(tokenizer.is_fast) and tokenizer.truncation_side == "right"


def _max_tokens(config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    text = config.text_config
    positions = int(text.max_position_embeddings)
    if text.model_type in _OFFSET_POSITIONS:
        positions -= int(text.pad_token_id) + 1
    # A tokenizer that knows no limit states an astronomic one.
    return min(positions, int(tokenizer.model_max_length))


def pooled_features(features: object) -> Tensor:
    """The embeddings (n, dim) in what `get_*_features` returns: a tensor up to transformers 4, an output object since.

    Raises:
        ModelUnavailable: the output has no pooled embedding.
    """
    if isinstance(features, Tensor):
        return features
    embedding = getattr(features, "pooler_output", None)
    if not isinstance(embedding, Tensor):
        raise ModelUnavailable(f"the model returned {type(features).__name__} without a pooled embedding")
    return embedding
