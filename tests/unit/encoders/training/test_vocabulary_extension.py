"""New words in a text tower's vocabulary."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import torch

from encoders.training.data.listings import TrainingListing
from encoders.training.dual_encoder import TrainableDualEncoder
from encoders.training.objectives.lexical_teacher import listing_text
from encoders.training.vocabulary_extension import extend_vocabulary


@pytest.fixture
def texts(listings: list[TrainingListing]) -> list[str]:
    return [listing_text(listing).lower() for listing in listings]


def test_new_words_are_numbered_by_count_and_then_by_the_alphabet_in_every_process(
    checkpoint: Path, texts: list[str]
) -> None:
    model = TrainableDualEncoder(checkpoint)
    old = len(model.tokenizer)
    added = extend_vocabulary(model, texts, 100, 24)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(re.findall(r"\w+|[.]", text)))
    words = model.tokenizer.convert_ids_to_tokens(list(range(old, old + added)))
    assert added > 5 and words == sorted(words, key=lambda word: (-counts[word], word))


@torch.no_grad()
def test_a_new_word_begins_as_the_mean_of_its_former_pieces(checkpoint: Path, texts: list[str]) -> None:
    before, model = TrainableDualEncoder(checkpoint), TrainableDualEncoder(checkpoint)
    extend_vocabulary(model, texts, 100, 24)
    pieces = before.tokenizer("kettle", add_special_tokens=False)["input_ids"]
    (word,) = model.tokenizer("kettle", add_special_tokens=False)["input_ids"]
    (rows,) = (tensor for name, tensor in before.state_dict().items() if name.endswith("word_embeddings.weight"))
    (grown,) = (tensor for name, tensor in model.state_dict().items() if name.endswith("word_embeddings.weight"))
    torch.testing.assert_close(grown[word], rows[pieces].mean(dim=0))
