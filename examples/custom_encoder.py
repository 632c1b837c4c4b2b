"""Makes a model of your own, and loads it by its directory, as the configuration would. Wants `vitrine[torch]`.

`python examples/custom_encoder.py build/my-encoder`, then `vitrine reindex --encoder build/my-encoder`.

Its weights are random here: `vitrine train --catalog … --encoder build/my-encoder` teaches it the catalogue.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from encoders.architectures.config import FusionConfig, TextTowerConfig, architecture_named
from encoders.architectures.storage import new_model
from encoders.loading import load_encoder
from encoders.spec import PartWeights, fuse_parts, fused_query_vector

TEXTS = ["blue table lamp", "stoneware mug for tea", "linen shade", "red enamel kettle"]


def make(directory: Path) -> None:
    """Write a small model: a ResNet and a BERT of 64 dimensions, compared part by part."""
    shape: FusionConfig = replace(architecture_named("towers-bert-resnet"), dim=64, text=TextTowerConfig(layers=1))
    new_model(shape, TEXTS).save(directory)


def use(directory: Path) -> float:
    """Score a product for a query, as the index does: the inner product of their fused vectors."""
    encoder = load_encoder(str(directory), "cpu")
    print(f"{encoder.spec.key}: {encoder.spec.dim} dimensions a part")
    picture = encoder.preparer(Image.new("RGB", (120, 90), "navy"))
    product = fuse_parts(encoder.spec, encoder.encode_texts(TEXTS[:1])[0], encoder.encode_images([picture])[0])
    query = fused_query_vector(encoder.spec, encoder.encode_texts(["blue lamp"])[0], None, PartWeights(0.7, 0.3))
    return float(np.dot(query, product))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a model and use it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    options = parser.parse_args(arguments)
    make(options.directory)
    print(f"score of a product for a query: {use(options.directory):.3f}")


if __name__ == "__main__":
    main()
