"""A text tower that learns a catalogue's words: new pieces, and room for longer texts."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers import AutoProcessor

from encoders.training.dual_encoder import TrainableDualEncoder

_LEAST_COUNT: Final = 2
_LONGEST_WORD: Final = 30
_TOKENS_STEP: Final = 8
_COVERED: Final = 0.95
"""Share of a catalogue's texts that fit whole, where the bound on tokens allows."""
_EMBEDDINGS: Final = ("word_embeddings.weight", "token_embedding.weight")
_POSITIONS: Final = ("position_embeddings.weight", "position_embedding.weight")


def extend_vocabulary(model: TrainableDualEncoder, texts: Iterable[str], most_pieces: int, most_tokens: int) -> int:
    """Give a text tower pieces for frequent words that it takes apart, and positions for the catalogue's lengths.

    A new piece starts as the mean of those that the word was taken apart into, so the tower's embeddings of known
    texts hardly change. Only WordPiece vocabularies (BERT's kind) grow; other tokenizers stay as they are.

    Args:
        model: changed in place.
        texts: the catalogue's.
        most_pieces: that are added; the most frequent words come first.
        most_tokens: to which texts are read at most; towers that read more already go on doing so.

    Returns:
        How many pieces were added.

    Source: Yao et al., "Adapt-and-Distill: Developing Small, Fast and Effective Pretrained Language Models for
    Domains", 2021, on vocabulary expansion.
    """
    backend = copy.deepcopy(model.tokenizer.backend_tokenizer)
    backend.no_truncation()
    if type(backend.model).__name__ != "WordPiece":
        return 0
    known = list(texts)
    words = _new_words(backend, known, most_pieces)
    parts = [backend.encode(word, add_special_tokens=False).ids for word in words]
    tokens = max(model.max_tokens, min(most_tokens, _wanted_tokens(backend, known, parts)))
    _grow_model(model, parts, tokens)
    _grow_tokenizer(model, words, tokens)
    return len(words)


def _new_words(backend: Any, texts: Iterable[str], most: int) -> list[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        normal = backend.normalizer.normalize_str(text) if backend.normalizer else text
        counts.update({word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normal)})
    vocabulary = backend.get_vocab()
    # Words of equal count by the alphabet: a run that is resumed in another process must number them the same way.
    by_count = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    frequent = [
        word
        for word, count in by_count
        if count >= _LEAST_COUNT and word not in vocabulary and len(word) <= _LONGEST_WORD
    ]
    return frequent[:most]


def _wanted_tokens(backend: Any, texts: Iterable[str], parts: list[list[int]]) -> int:
    """Tokens that most texts have, as they are before the new pieces shorten them."""
    lengths = [len(encoding.ids) for encoding in backend.encode_batch_fast(list(texts))] or [1]
    wanted = int(np.quantile(lengths, _COVERED))
    return -(-wanted // _TOKENS_STEP) * _TOKENS_STEP


def _grow_model(model: TrainableDualEncoder, parts: list[list[int]], tokens: int) -> None:
    old = model.model
    config = copy.deepcopy(old.config)
    state = old.state_dict()
    for name, tensor in state.items():
        if name.startswith("text_model.") and name.endswith(_EMBEDDINGS):
            added = [tensor[ids].mean(dim=0) for ids in parts]
            state[name] = torch.cat([tensor, torch.stack(added)]) if added else tensor
            config.text_config.vocab_size = len(state[name])
        elif name.startswith("text_model.") and name.endswith(_POSITIONS):
            state[name] = _longer(tensor, tokens + len(tensor) - model.max_tokens)
            config.text_config.max_position_embeddings = len(state[name])
    # A checkpoint in half precision would make a model in it.
    grown = type(old)(config).float()
    grown.load_state_dict(state)
    model.model = grown.to(model.device).train(old.training)


def _longer(positions: Tensor, count: int) -> Tensor:
    """Further positions start as the last one that was learnt."""
    return torch.cat([positions, positions[-1:].expand(max(0, count - len(positions)), -1)])


def _grow_tokenizer(model: TrainableDualEncoder, words: list[str], tokens: int) -> None:
    """Through its files: a tokenizer in memory takes no new ordinary pieces."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        model.processor.save_pretrained(directory)
        _edit(directory / "tokenizer.json", lambda held: _add_pieces(held["model"]["vocab"], words))
        _edit(directory / "tokenizer_config.json", lambda held: held.update(model_max_length=tokens))
        model.processor = AutoProcessor.from_pretrained(directory, local_files_only=True)
    model.tokenizer = model.processor.tokenizer


def _add_pieces(vocabulary: dict[str, int], words: list[str]) -> None:
    first = max(vocabulary.values()) + 1
    vocabulary.update({word: first + place for place, word in enumerate(words)})


def _edit(path: Path, change: Any) -> None:
    held = json.loads(path.read_text("utf-8"))
    change(held)
    path.write_text(json.dumps(held, ensure_ascii=False), "utf-8")
