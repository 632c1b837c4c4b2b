"""What a model offers to be trained here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from encoders.media.preparation import Preparer


class Trainable(Protocol):
    """A model that embeds texts, pictures and whole products into one space, with gradients.

    All rows come back unit-length, float32, on the model's device. `save` writes a directory that
    `encoders.loading.load_encoder` loads and that gives the same embeddings.
    """

    dim: int
    """Dimensions of the space."""
    preparer: Preparer
    """Resizes and crops decoded pictures to the model's input."""

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts → (n, dim)."""
        ...

    def embed_images(self, levels: Tensor) -> Tensor:
        """Pictures (n, 3, height, width) as float32 in 0 … 1 → (n, dim); normalisation is the model's own."""
        ...

    def embed_products(self, texts: Sequence[str], levels: Tensor, owners: Tensor) -> Tensor:
        """Whole products → (n, dim).

        Args:
            texts: n texts, empty where a product has none.
            levels: (m, 3, height, width) pictures of all products; m may be 0.
            owners: (m,) int64, whose picture each is: its row among `texts`. A product may have none or several.
        """
        ...

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Parameters by dotted name, as modules give them: what is frozen or learns slower is chosen by it."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any], /) -> Any: ...

    def train(self, mode: bool = True) -> Any: ...

    def save(self, directory: Path) -> None:
        """Write weights (safetensors), configuration, tokenizer and image preprocessing."""
        ...
