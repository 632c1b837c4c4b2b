"""Real material: photos with words of a sportswear shop, an outdoor shop and amateurs, and listings without photos.

Of photos only the three sources named here are read. Groceries and the shop photos of them stay unseen, pictures and
words alike: they are what photo search is judged on. Of listings without photos only the texts are read, not the
judgments.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray
from PIL import Image

from vitrine.samples.mini.data.item_store import TrainingItem
from vitrine.samples.mini.data.synthetic_scenes import cut_out, draw_in_hand, draw_pile, random_background

SOURCES: Final = ("luma", "eshop")
HELD_OUT_SHARE: Final = 0.15
AMATEUR_HELD_OUT_SHARE: Final = 0.5
BACKGROUND_COUNT: Final = 200
"""How many amateur photos, the first ones, also lend backgrounds; the share above is held out of the others."""
VIEWS: Final = 6
_CHINESE_LABELS: Final = {
    "T-Shirt": "T恤", "Longsleeve": "长袖上衣", "Pants": "裤子", "Shoes": "鞋子", "Shirt": "衬衫", "Dress": "连衣裙",
    "Outwear": "外套", "Shorts": "短裤", "Hat": "帽子", "Skirt": "裙子", "Polo": "POLO衫", "Undershirt": "背心",
    "Blazer": "西装外套", "Hoodie": "连帽衫", "Body": "婴儿连体衣", "Top": "上衣", "Blouse": "女式衬衫", "Skip": "",
}  # fmt: skip


def is_held_out(name: str, share: float = HELD_OUT_SHARE) -> bool:
    """Whether a real product or photo is kept for measuring: decided by its name alone, the same in every run."""
    return hashlib.sha256(name.encode()).digest()[0] < 256 * share


def read_products(data: Path) -> list[dict[str, Any]]:
    """The real products that may be learnt from or measured on; never groceries."""
    path = data / "products.jsonl"
    if not path.is_file():
        return []
    products = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [product for product in products if product["id"].split("-")[0] in SOURCES]


def clothing_photos(data: Path) -> list[tuple[str, str]]:
    """Path and label of each amateur photo."""
    path = data / "clothing_photos.jsonl"
    if not path.is_file():
        return []
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [(row["image"], row["label"]) for row in rows]


def photo_items(data: Path, side: int, seed: int) -> Iterator[tuple[TrainingItem, Sequence[Image.Image]]]:
    """Every product in each of its colours, and every amateur photo, with composed scenes to fill `VIEWS`."""
    rng = np.random.default_rng(seed)
    backgrounds = load_backgrounds(data, side)
    for product in read_products(data):
        for colour, paths in _by_colour(product).items():
            pictures = [Image.open(data / path).convert("RGB") for path in paths][: VIEWS - 2]
            yield _product_item(product, colour), [*pictures, *_scenes(pictures, backgrounds, side, rng)]
    for number, (path, label) in enumerate(clothing_photos(data)):
        picture = Image.open(data / path).convert("RGB")
        chinese = [_CHINESE_LABELS[label]] if _CHINESE_LABELS.get(label) else []
        words = [label.lower()] if chinese else []
        held_out = number >= BACKGROUND_COUNT and is_held_out(path, AMATEUR_HELD_OUT_SHARE)
        yield TrainingItem(path, 0, words, chinese, alike=label, held_out=held_out), [picture]


def photo_count(data: Path) -> int:
    """How many items `photo_items` makes."""
    return sum(len(_by_colour(product)) for product in read_products(data)) + len(clothing_photos(data))


def load_backgrounds(data: Path, side: int, count: int = BACKGROUND_COUNT) -> list[NDArray[np.uint8]]:
    """Amateur photos (2·side, 2·side, 3) uint8 to cut backgrounds from; none where the data is absent."""
    paths = [path for path, _ in clothing_photos(data)[:count]]
    return [np.asarray(Image.open(data / path).convert("RGB").resize((2 * side, 2 * side))) for path in paths]


def read_listing_texts(data: Path) -> list[list[str]]:
    """Each listing in one row, its title, its points, and its brand, colour and category; judgments are not read."""
    path = data / "esci_products.parquet"
    if not path.is_file():
        return []
    rows = parquet.read_table(path).to_pylist()
    texts = [_listing_texts(row) for row in rows if not is_held_out(row["asin"])]
    return [row for row in texts if len(row) > 1]


def _scenes(
    pictures: Sequence[Image.Image], backgrounds: Sequence[NDArray[np.uint8]], side: int, rng: np.random.Generator
) -> list[Image.Image]:
    sprite = cut_out(pictures[0])
    scenes: list[Image.Image] = []
    for _ in range(VIEWS - len(pictures)):
        ground = random_background(backgrounds, rng, side)
        make_pile = rng.random() < 0.5
        scenes.append(
            draw_pile(sprite, ground, side, rng) if make_pile else draw_in_hand(sprite, [sprite], ground, side, rng)
        )
    return scenes


def _by_colour(product: dict[str, Any]) -> dict[str, list[str]]:
    """Photos by the colour in their file name (`mh01-gray_main.jpg`); the main photo's colour first."""
    groups: dict[str, list[str]] = {}
    for path in product["images"]:
        stem = Path(path).stem
        colour = stem.rsplit("-", 1)[1].split("_")[0] if "-" in stem else ""
        groups.setdefault(colour if colour.isalpha() else "", []).append(path)
    return groups


def _product_item(product: dict[str, Any], colour: str) -> TrainingItem:
    path = (product.get("category") or "").replace("/", " ")
    kind = path.split(" ")[-1]
    title, description = product["title"], product.get("description") or ""
    named = f"{colour} {title}" if any(colour == known.lower() for known in product.get("colors") or []) else title
    texts = [named, f"{named}, {kind}", f"{title}. {path}. {description}"[:400], description[:400]]
    key, own = f"{product['id']}:{colour}", product["id"]
    return TrainingItem(key, 0, [text for text in texts if text], [], own, is_held_out(own))


def _listing_texts(row: dict[str, object]) -> list[str]:
    def cell(name: str) -> str:
        value = row.get(name)
        return value.strip() if isinstance(value, str) else ""

    points = cell("bullet_points").split("\n")
    kind = " ".join(part for part in (cell("brand"), cell("color"), cell("category").split(">")[-1].strip()) if part)
    half = len(points) // 2 + 1
    whole = ". ".join((cell("title"), kind, cell("bullet_points").replace("\n", " ")))[:240]
    texts = (
        whole,
        cell("title"),
        " ".join(points[:half])[:160],
        " ".join(points[half:])[:160],
        cell("description")[:160],
        kind,
    )
    return [text for text in texts if len(text) > 3]
