"""Both towers of a checkpoint as OpenVINO's graphs, with the tokenizer and the preparer that serve them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import openvino
from numpy.typing import NDArray
from tokenizers import Tokenizer

from encoders.backends.manifest import IMAGE_TOWER, TEXT_TOWER, TOKENIZER, WORD_TABLE, WORD_VECTORS
from encoders.backends.word_table import write_table
from encoders.inference.parity import probe_pictures, probe_texts
from encoders.inference.tokens import TextBatcher, TokenRules, compiled_tokeniser
from encoders.media.preparation import Pixels, Preparer
from encoders.spec import FloatArray


class ReferenceEncoder(Protocol):
    """Anything that embeds texts and pictures, such as a model run by torch."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Texts → (n, dim) unit float32 rows."""
        ...

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Prepared pictures → (n, dim) unit float32 rows."""
        ...


@dataclass(frozen=True)
class Towers:
    """A converted checkpoint in memory."""

    text: Any
    """An `openvino.Model`: `input_ids` and `attention_mask` (n, length) int64 → embeddings (n, dim) of any length; with
    `words`, their rows of it as `WORD_VECTORS` (n, length, width) float32 instead of the ids."""
    image: Any
    """An `openvino.Model`: `levels` (n, height, width, 3) uint8 → embeddings (n, dim) of any length."""
    tokenizer: str
    """What `tokenizer.json` holds."""
    tokens: TokenRules
    preparer: Preparer
    dim: int
    words: FloatArray | None = None
    """The table of word embeddings (tokens, width), where it is kept apart from the graph."""
    in_half: bool = False
    """Whether weights are written as float16, from which they are read only once they are used."""
    reference: Callable[[], ReferenceEncoder] | None = None
    """Loads the same checkpoint, run by torch; None where torch is not installed."""

    def write(self, directory: Path) -> None:
        """Write graphs and tokenizer. Files that are there are removed first: a process may have them mapped."""
        for model, name in ((self.text, TEXT_TOWER), (self.image, IMAGE_TOWER)):
            for path in (directory / name, (directory / name).with_suffix(".bin")):
                path.unlink(missing_ok=True)
            openvino.save_model(model, directory / name, compress_to_fp16=self.in_half)
        if self.words is not None:
            write_table(self.words, directory / WORD_TABLE)
        (directory / TOKENIZER).write_text(self.tokenizer, "utf-8")

    def batcher(self) -> TextBatcher:
        """Tokenises texts as the text tower takes them."""
        return TextBatcher(self.tokens, compiled_tokeniser(Tokenizer.from_str(self.tokenizer), self.tokens.max_tokens))

    def text_inputs(self, text: str) -> dict[str, NDArray[Any]]:
        """What the text tower takes of one text, by the names of its inputs: ids and mask (1, length) int64, or word
        vectors (1, length, width) float32."""
        batcher = self.batcher()
        ids, mask = batcher.pad(batcher.token_ids([text]))
        words = {} if self.words is None else {WORD_VECTORS: self.words[ids]}
        wanted = {port.any_name for port in self.text.inputs}
        return {
            name: rows for name, rows in {"input_ids": ids, "attention_mask": mask, **words}.items() if name in wanted
        }

    def probes(self) -> tuple[list[str], list[Pixels]]:
        """Texts and pictures (height, width, 3) uint8 by which two ways to compute embeddings are compared."""
        tokenizer = Tokenizer.from_str(self.tokenizer)

        def decode(ids: list[int]) -> str:
            return tokenizer.decode(ids, skip_special_tokens=False)

        texts = probe_texts(decode, tokenizer.get_vocab_size(), self.tokens.max_tokens)
        return texts, probe_pictures(self.preparer)
