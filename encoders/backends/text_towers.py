"""Text towers as OpenVINO's graphs: tokens and attention mask (n, length) int64 → pooled (n, width) float32.

Tokens are their ids (n, length) int64 or, of a tower with a large vocabulary, their rows (n, length, width) float32 of
the table of word embeddings.

Another tower is a function like `bert` and its name in `TEXT_TOWERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from openvino import Node
from openvino import opset13 as ops

from encoders.backends.operations import (
    activation,
    additive_mask,
    attention,
    embedding,
    first_positions,
    layer_norm,
    linear,
    masked_mean,
    token_at,
)
from encoders.backends.weights import CheckpointWeights
from encoders.errors import ModelUnavailable

TextTower = Callable[[Node, Node, Mapping[str, Any], CheckpointWeights, str], Node]
"""Of tokens, attention mask, the tower's part of `config.json`, the weights, and what their names begin with."""
WORDS: Final = "embeddings.word_embeddings.weight"
"""The name of the table of word embeddings, within the tower."""
_MEAN: Final = "mean"
_RANK_OF_IDS: Final = 2


def bert(tokens: Node, mask: Node, config: Mapping[str, Any], weights: CheckpointWeights, prefix: str) -> Node:
    """BERT's encoder, and its pooler over the first token, or the mean of all where the configuration says so.

    Raises:
        ModelUnavailable: the configuration asks for what is not built here.

    Source: Devlin et al., "BERT: pre-training of deep bidirectional transformers for language understanding", 2019.
    """
    if config.get("position_embedding_type", "absolute") != "absolute" or config.get("is_decoder"):
        raise ModelUnavailable("a BERT with relative positions, or that is a decoder, is not built by operations")
    epsilon, act = float(config["layer_norm_eps"]), activation(config["hidden_act"])
    hidden = _bert_embeddings(tokens, weights, f"{prefix}embeddings.", epsilon)
    allowed = additive_mask(mask)
    for number in range(int(config["num_hidden_layers"])):
        layer = f"{prefix}encoder.layer.{number}."
        query, key, value = (
            linear(hidden, weights, f"{layer}attention.self.{part}") for part in ("query", "key", "value")
        )
        mixed = attention(query, key, value, int(config["num_attention_heads"]), allowed)
        mixed = linear(mixed, weights, f"{layer}attention.output.dense")
        hidden = layer_norm(ops.add(mixed, hidden), weights, f"{layer}attention.output.LayerNorm", epsilon)
        wide = act(linear(hidden, weights, f"{layer}intermediate.dense"))
        narrow = linear(wide, weights, f"{layer}output.dense")
        hidden = layer_norm(ops.add(narrow, hidden), weights, f"{layer}output.LayerNorm", epsilon)
    if config.get("pooling") == _MEAN:
        return masked_mean(hidden, mask)
    return ops.tanh(linear(token_at(hidden, 0), weights, f"{prefix}pooler.dense"))


def _bert_embeddings(tokens: Node, weights: CheckpointWeights, prefix: str, epsilon: float) -> Node:
    """Words, positions and the first of the token types: texts come alone, never in pairs."""
    are_ids = tokens.output(0).partial_shape.rank.get_length() == _RANK_OF_IDS
    words = embedding(tokens, weights, f"{prefix}word_embeddings") if are_ids else tokens
    first_type = weights.take(f"{prefix}token_type_embeddings.weight")[0]
    placed = ops.add(words, ops.add(first_positions(tokens, weights, f"{prefix}position_embeddings"), first_type))
    return layer_norm(placed, weights, f"{prefix}LayerNorm", epsilon)


TEXT_TOWERS: Final[Mapping[str, TextTower]] = {"bert": bert}
"""By the `model_type` of their configuration."""
