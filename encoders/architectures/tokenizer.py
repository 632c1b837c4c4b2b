"""The tokenizer of `mini`: Chinese by character, other scripts by subword."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizer

SPECIAL_TOKENS: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def train_tokenizer(texts: Iterable[str], size: int, max_tokens: int) -> BertTokenizer:
    """Train a lower-casing WordPiece tokenizer.

    Args:
        texts: The corpus; every character in it gets a piece.
        size: Pieces in all.
        max_tokens: Where texts are cut, start and end marks included.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=list(SPECIAL_TOKENS), min_frequency=2)
    tokenizer.train_from_iterator(texts, trainer)
    # The trainer numbers pieces of equal count at random; a run that resumes needs the same numbers again.
    pieces = sorted(set(tokenizer.get_vocab()) - set(SPECIAL_TOKENS))
    numbers = {piece: number for number, piece in enumerate([*SPECIAL_TOKENS, *pieces])}
    tokenizer.model = models.WordPiece(numbers, unk_token="[UNK]")
    start, end = SPECIAL_TOKENS.index("[CLS]"), SPECIAL_TOKENS.index("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", start), ("[SEP]", end)]
    )
    return BertTokenizer(tokenizer_object=tokenizer, model_max_length=max_tokens)
