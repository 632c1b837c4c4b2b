"""The packed text tower: 4-bit weights, vocabulary and normalisation come out as they were put in."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from tokenizers import Tokenizer

from encoders.errors import ModelUnavailable
from encoders.pretrained import e5
from encoders.pretrained.unigram import tokenizer_document
from encoders.spec import FloatArray

WIDTH, WIDE, WORDS, POSITIONS = 32, 64, 9, 4
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁red", "shirt", "▁shirt", "<mask>"]
SCORES = [0.0, 0.0, 0.0, 0.0, -2.0, -3.0, -5.0, -4.0, 0.0]
NORMALISED = {"\x01": "", "\t": " ", "\u200b": " ", "\u00bd": "1\u20442", "\uff52": "r"}


def _packed(rows: FloatArray) -> bytes:
    """Rows whose numbers are whole numbers from −8 to 7 times a half."""
    blocks = (rows.reshape(-1, 32) * 2 + 8).astype(np.uint8)
    return b"".join(
        np.float16(0.5).tobytes() + (low | high << 4).tobytes()
        for low, high in zip(blocks[:, :16], blocks[:, 16:], strict=True)
    )


def _file(tensors: dict[str, FloatArray]) -> bytes:
    text = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, text)]).astype("<u4")
    table = b"".join(
        struct.pack(f"<IB{len(becomes)}I", ord(one), len(becomes), *map(ord, becomes))
        for one, becomes in NORMALISED.items()
    )
    head = struct.pack("<4sI7ifi", b"E5S1", 1, WIDTH, 1, 2, WIDE, WORDS, POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(ends[-1])) + ends.tobytes()
    head += np.array(SCORES, "<f4").tobytes() + b"".join(text) + struct.pack("<iI", len(NORMALISED), len(table)) + table
    contents = {
        name: _packed(rows) if rows.ndim > 1 and name not in ("emb.pos", "emb.type") else rows.tobytes()
        for name, rows in tensors.items()
    }
    at = len(head) + 4 + sum(23 + len(name) for name in tensors)
    directory = struct.pack("<i", len(tensors))
    for name, data in contents.items():
        packed = data != tensors[name].tobytes()
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", packed, tensors[name].size, at, len(data))
        at += len(data)
    return head + directory + b"".join(contents.values())


@pytest.fixture
def tensors() -> dict[str, FloatArray]:
    """Of one layer, by the file's names."""
    random = np.random.default_rng(0)

    def whole(*shape: int) -> FloatArray:
        return random.integers(-8, 8, shape).astype(np.float32) / np.float32(2)

    return {
        "emb.word": whole(WORDS, WIDTH),
        "emb.pos": whole(POSITIONS, WIDTH),
        "l0.q.w": whole(WIDTH, WIDTH),
        "l0.fi.w": whole(WIDE, WIDTH),
        "l0.fo.w": whole(WIDTH, WIDE),
        "l0.oln.b": whole(WIDTH),
    }


def test_all_comes_out_as_it_was_put_in(tensors: dict[str, FloatArray]) -> None:
    unpacked = e5.unpack(_file(tensors))
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "l0.q.w": "encoder.layer.0.attention.self.query.weight",
        "l0.fi.w": "encoder.layer.0.intermediate.dense.weight",
        "l0.fo.w": "encoder.layer.0.output.dense.weight",
        "l0.oln.b": "encoder.layer.0.output.LayerNorm.bias",
    }
    assert set(unpacked.tensors) == set(names.values())
    for name, rows in tensors.items():
        assert np.array_equal(unpacked.tensors[names[name]], rows)
    assert unpacked.config["hidden_size"] == WIDTH and unpacked.config["layer_norm_eps"] == 1e-12
    assert unpacked.vocabulary.normalised == NORMALISED
    assert [piece for piece, _ in unpacked.vocabulary.pieces] == PIECES


def test_a_file_that_was_cut_is_refused(tensors: dict[str, FloatArray]) -> None:
    data = _file(tensors)
    for cut in (0, 3, 90, len(data) // 2):
        with pytest.raises(ModelUnavailable, match="text tower's file is broken"):
            e5.unpack(data[:cut])


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("red shirt", ["▁red", "▁shirt"]),
        ("  redshirt ", ["▁red", "shirt"]),
        ("\x01ｒed\u200b\tshirt", ["▁red", "▁shirt"]),
        ("red \u00bd", ["▁red", "▁", "1\u20442"]),
        ("", []),
    ],
)
def test_its_tokenizer_normalises_and_cuts(tensors: dict[str, FloatArray], text: str, pieces: list[str]) -> None:
    import json

    tokenizer = Tokenizer.from_str(json.dumps(tokenizer_document(e5.unpack(_file(tensors)).vocabulary)))
    assert tokenizer.encode(text).tokens == ["<s>", *pieces, "</s>"]
