"""The last feature maps of EfficientNet-Lite, batch normalisation folded into the convolutions.

Source: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torch.nn import functional


class EfficientNetLite(nn.Module):
    """Pictures (n, 3, height, width) → feature maps (n, hidden size, rows, columns), none negative."""

    def __init__(self, stem_size: int, blocks: Sequence[Mapping[str, int]], hidden_size: int) -> None:
        """Args: blocks: each with `in`, `expanded` and `out` channels, `kernel` and `stride`."""
        super().__init__()
        self.stem = _SameConvolution(3, stem_size, 3, stride=2)
        self.blocks = nn.ModuleList(_Block(**_renamed(block)) for block in blocks)
        self.head = nn.Conv2d(blocks[-1]["out"], hidden_size, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (n, 3, height, width) float → the last feature maps (n, hidden, rows, columns)."""
        features = functional.relu6(self.stem(pixels))
        for block in self.blocks:
            features = block(features)
        return functional.relu6(self.head(features))


class _Block(nn.Module):
    """An inverted residual."""

    def __init__(self, inputs: int, expanded: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(inputs, expanded, 1) if expanded != inputs else None
        self.depthwise = _SameConvolution(expanded, expanded, kernel, stride, groups=expanded)
        self.project = nn.Conv2d(expanded, outputs, 1)
        self._is_residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        wide = features if self.expand is None else functional.relu6(self.expand(features))
        narrow = self.project(functional.relu6(self.depthwise(wide)))
        return features + narrow if self._is_residual else narrow


class _SameConvolution(nn.Conv2d):
    """A convolution padded as TensorFlow pads: the output has a stride-th of the input, the odd pixel at the end."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        self._kernel, self._stride = kernel, stride

    def forward(self, input: Tensor) -> Tensor:
        margins: list[int] = []
        for length in (input.shape[3], input.shape[2]):
            total = max(0, (-(-length // self._stride) - 1) * self._stride + self._kernel - length)
            margins += [total // 2, total - total // 2]
        return super().forward(functional.pad(input, margins))


def _renamed(block: Mapping[str, int]) -> dict[str, int]:
    names = {"in": "inputs", "out": "outputs"}
    return {names.get(name, name): value for name, value in block.items()}
