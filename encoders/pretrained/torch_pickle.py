"""Tensors out of files that torch pickled, without torch, and without what makes pickles dangerous.

A pickle is a program that may call anything that it names. Here it may name an ordered dictionary, a tensor and its
storages, and nothing else. Just the format of before torch 1.6 is read: four pickles, a list of storages, their bytes.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoders.errors import ModelUnavailable

Array = NDArray[Any]
_MAGIC: Final = 0x1950A86A20F9469CFC6C
_COUNT: Final = struct.Struct("<q")
_STORAGES: Final[Mapping[str, np.dtype[Any]]] = {
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "DoubleStorage": np.dtype("<f8"),
    "LongStorage": np.dtype("<i8"),
}
"""Kinds of storages by their name in torch."""


def read_state_dict(data: bytes) -> dict[str, Array]:
    """The tensors of a pickled state dictionary by their names.

    Raises:
        ModelUnavailable: it names something else than tensors, or is broken.
    """
    stream = io.BytesIO(data)
    storages: dict[str, _Storage] = {}
    try:
        magic, _, _ = (_Unpickler(stream, storages).load() for _ in range(3))
        if magic != _MAGIC:
            raise ModelUnavailable("the weights are no pickle of torch in the format of before 1.6")
        tensors: Any = _Unpickler(stream, storages).load()
        for key in _Unpickler(stream, storages).load():
            storages[key].fill(stream)
        return {str(name): tensor.array() for name, tensor in tensors.items()}
    except ModelUnavailable:
        raise
    except Exception as error:
        raise ModelUnavailable(f"the pickled weights are broken: {type(error).__name__}: {error}") from error


class _Storage:
    """Numbers that tensors are views of; filled after all tensors are known."""

    def __init__(self, kind: np.dtype[Any], count: int) -> None:
        self._kind, self._count = kind, count
        self.numbers: Array = np.zeros(0, kind)

    def fill(self, stream: io.BytesIO) -> None:
        (count,) = _COUNT.unpack(stream.read(_COUNT.size))
        data = stream.read(count * self._kind.itemsize) if count == self._count else b""
        self.numbers = np.frombuffer(data, self._kind, self._count)


class _Tensor:
    """What `_rebuild_tensor_v2` is called with: a view of a storage."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self._storage, self._offset, self._shape, self._strides = storage, offset, shape, strides

    def array(self) -> Array:
        """Its numbers. Raises `ValueError` where it reaches beyond its storage."""
        if 0 in self._shape:
            return np.zeros(self._shape, self._storage.numbers.dtype)
        steps = [(size - 1) * stride for size, stride in zip(self._shape, self._strides, strict=True)]
        numbers = self._storage.numbers[self._offset :]
        if min([self._offset, *steps, *self._strides]) < 0 or sum(steps) >= len(numbers):
            raise ValueError(f"a tensor of shape {self._shape} reaches beyond its storage")
        strides = [stride * numbers.itemsize for stride in self._strides]
        return np.lib.stride_tricks.as_strided(numbers, self._shape, strides).copy()


class _Unpickler(pickle.Unpickler):
    """Makes what state dictionaries are made of; whatever else a pickle names is refused."""

    def __init__(self, stream: io.BytesIO, storages: dict[str, _Storage]) -> None:
        super().__init__(stream)
        self._storages = storages

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """What stands for a name. Raises `ModelUnavailable` for one that no state dictionary needs."""
        if (module_name, global_name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module_name, global_name) == ("torch._utils", "_rebuild_tensor_v2"):
            # Made for this one: a pickle may change attributes of what it names.
            return lambda *parts: _Tensor(*parts[:4])
        if module_name == "torch" and global_name in _STORAGES:
            return global_name
        raise ModelUnavailable(f"the pickled weights name {module_name}.{global_name}, which no tensor needs: not read")

    def persistent_load(self, pid: Any, /) -> _Storage:
        """The storage of an entry `("storage", kind, key, device, count, view)`."""
        tag, kind, key, _, count, view = pid
        if tag != "storage" or view is not None:
            raise ValueError(f"{tag!r} is no whole storage")
        return self._storages.setdefault(str(key), _Storage(_STORAGES[kind], int(count)))
