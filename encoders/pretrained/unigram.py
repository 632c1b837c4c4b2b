"""A SentencePiece unigram vocabulary as the `tokenizer.json` that `tokenizers` and transformers read.

Source: Kudo, "Subword regularization", 2018; the special tokens are those of XLM-RoBERTa (Conneau et al., 2020).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from encoders.pretrained.e5 import UnigramVocabulary

START, PAD, END, UNKNOWN, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"
_SPECIAL: Final = (START, PAD, END, UNKNOWN, MASK)
_SPACE: Final = "▁"


def tokenizer_document(vocabulary: UnigramVocabulary) -> dict[str, Any]:
    """The content of `tokenizer.json`."""
    ids = {piece: at for at, (piece, _) in enumerate(vocabulary.pieces)}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special_token(token, ids[token]) for token in sorted(_SPECIAL, key=ids.__getitem__)],
        "normalizer": {"type": "Sequence", "normalizers": _normalizers(vocabulary.normalised)},
        "pre_tokenizer": {"type": "Metaspace", "replacement": _SPACE, "prepend_scheme": "always", "split": True},
        "post_processor": _framed(ids),
        "decoder": {"type": "Metaspace", "replacement": _SPACE, "prepend_scheme": "always", "split": True},
        "model": {
            "type": "Unigram",
            "unk_id": vocabulary.unknown_id,
            "vocab": [list(pair) for pair in vocabulary.pieces],
            "byte_fallback": False,
        },
    }


def _normalizers(table: dict[str, str]) -> list[dict[str, Any]]:
    """Unicode's compatibility composition, and, before it, what the table does otherwise: deletions, and spaces."""
    deleted = [character for character, becomes in table.items() if not becomes]
    spaces = [character for character, becomes in table.items() if becomes == " " != _composed(character)]
    return [
        _replace(_one_of(deleted), ""),
        _replace(_one_of(spaces), " "),
        {"type": "NFKC"},
        _replace(" {2,}", " "),
        {"type": "Strip", "strip_left": True, "strip_right": True},
    ]


def _composed(character: str) -> str:
    return unicodedata.normalize("NFKC", character)


def _one_of(characters: Iterable[str]) -> str:
    return "[" + "".join(re.escape(character) for character in sorted(characters)) + "]"


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _special_token(token: str, number: int) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": token == MASK, "rstrip": False, "normalized": False, "special": True}
    return {"id": number, "content": token, **flags}


def _framed(ids: dict[str, int]) -> dict[str, Any]:
    """Every text between the marks of its start and its end."""
    start, end = ({"SpecialToken": {"id": token, "type_id": 0}} for token in (START, END))
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [start, text, end],
        "pair": [start, text, end, end, {"Sequence": {"id": "B", "type_id": 0}}, end],
        "special_tokens": {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (START, END)},
    }
