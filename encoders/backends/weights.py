"""A checkpoint's weights, read from safetensors without torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from encoders.errors import ModelUnavailable
from encoders.spec import FloatArray

_KINDS: Final = {"F32": np.float32, "F64": np.float64}
_UNUSED: Final = ("logit_scale", "position_ids", "token_type_ids")
"""Ends of the names of tensors that no embedding depends on: the temperature, and buffers with positions."""


class CheckpointWeights:
    """A checkpoint's tensors by name; knows which of them have been used."""

    def __init__(self, directory: Path) -> None:
        """Read all `*.safetensors` of a directory. Raises `ModelUnavailable` where one is broken."""
        self._directory = directory
        self._tensors: dict[str, NDArray[np.float16] | FloatArray] = {}
        for path in sorted(directory.glob("*.safetensors")):
            try:
                self._tensors.update(_tensors(path))
            except (OSError, SafetensorError) as error:
                raise ModelUnavailable(f"{path} cannot be read: {error}") from error
        self._unused = set(self._tensors)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def take(self, name: str, *shape: int) -> FloatArray:
        """Use a tensor, float32 of the stored shape.

        Args:
            name: as in the file.
            shape: what its shape must be, such as `(5000, 128)`; empty: any.

        Raises:
            ModelUnavailable: there is no tensor of that name, or it has another shape.
        """
        if name not in self._tensors:
            raise ModelUnavailable(f"weights in {self._directory} lack {name}")
        tensor = self._tensors[name]
        if shape and tensor.shape != shape:
            raise ModelUnavailable(f"{name} in {self._directory} has shape {tensor.shape}, not {shape}")
        self._unused.discard(name)
        return tensor.astype(np.float32, copy=False)

    def size_of(self, name: str) -> int:
        """How many numbers a tensor has; 0: there is none."""
        return self._tensors[name].size if name in self._tensors else 0

    @property
    def are_half(self) -> bool:
        """Whether most of the numbers are stored as float16."""
        half = sum(tensor.size for tensor in self._tensors.values() if tensor.dtype == np.float16)
        return 2 * half > sum(tensor.size for tensor in self._tensors.values())

    def check_all_taken(self) -> None:
        """Raise `ModelUnavailable` where a tensor was not used: the model has parts that were not built."""
        left = sorted(name for name in self._unused if not name.endswith(_UNUSED))
        if left:
            raise ModelUnavailable(f"{self._directory} has {len(left)} tensors of no known use, the first is {left[0]}")


def _tensors(path: Path) -> Iterator[tuple[str, NDArray[np.float16] | FloatArray]]:
    for name, tensor in deserialize(path.read_bytes()):
        if (floats := _floats(tensor["dtype"], bytes(tensor["data"]))) is not None:
            yield name, floats.reshape(tensor["shape"])


def _floats(kind: str, data: bytes) -> NDArray[np.float16] | FloatArray | None:
    """The numbers of a tensor; None where they are no floats, as in buffers with positions."""
    if kind == "F16":
        return np.frombuffer(data, np.float16)
    if kind == "BF16":
        # The upper half of a float32.
        upper: NDArray[np.uint32] = np.frombuffer(data, np.uint16).astype(np.uint32)
        return (upper << 16).view(np.float32)
    return np.frombuffer(data, _KINDS[kind]).astype(np.float32) if kind in _KINDS else None
