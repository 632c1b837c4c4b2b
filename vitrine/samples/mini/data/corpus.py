"""All that `mini` learns from, drawn or read once and kept on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from encoders.media.borders import trim_borders
from vitrine.samples.mini.data import real_shops, rendered, synthetic
from vitrine.samples.mini.data.item_store import ItemStore, TrainingItem, open_store
from vitrine.samples.mini.data.real_shops import read_listing_texts


@dataclass(frozen=True)
class CorpusConfig:
    """How much of each kind of material there is, and how much of it goes into a batch."""

    real_data: Path | None = None
    """Directory of real photos and listings; training works without, on drawn material alone."""
    side: int = 104
    """Side of stored pictures, in pixels: the tower's input and some room for random framing."""
    rendered: int = 4000
    invented: int = 5000
    held_out: int = 600
    """Rendered products of another seed, for measuring."""
    seed: int = 1


@dataclass(frozen=True)
class Corpus:
    """Training material by kind."""

    rendered: ItemStore
    invented: ItemStore
    photos: ItemStore | None
    listings: list[list[str]]

    def texts(self) -> Iterator[str]:
        """Every training text, for the tokenizer."""
        for store in (self.rendered, self.photos):
            for item in store.items if store is not None else ():
                if not item.held_out:
                    yield from item.english
                    yield from item.chinese
        for texts in self.listings:
            yield from texts


def open_corpus(config: CorpusConfig, directory: Path) -> Corpus:
    """Open the material, drawing what is not there yet."""
    data = config.real_data if config.real_data is not None and config.real_data.is_dir() else None
    return Corpus(
        _rendered(config, directory, config.rendered, config.seed),
        _invented(config, directory, data),
        _photos(config, directory, data) if data is not None else None,
        read_listing_texts(data) if data is not None else [],
    )


def open_held_out(config: CorpusConfig, directory: Path) -> ItemStore:
    """Rendered products that no training run of this seed sees."""
    return _rendered(config, directory, config.held_out, config.seed + 1000)


def _rendered(config: CorpusConfig, directory: Path, count: int, seed: int) -> ItemStore:
    side = config.side
    return open_store(
        directory / f"rendered-{count}-{side}-{seed}",
        (count, rendered.VIEWS, side),
        lambda: _framed(rendered.rendered_items(count, side, seed)),
        "rendered catalogue",
    )


def _invented(config: CorpusConfig, directory: Path, data: Path | None) -> ItemStore:
    side, count, seed = config.side, config.invented, config.seed
    backgrounds = real_shops.load_backgrounds(data, side) if data is not None else []
    return open_store(
        directory / f"invented-{count}-{side}-{seed}-{len(backgrounds)}",
        (count, synthetic.VIEWS, side),
        lambda: _framed(synthetic.synthetic_items(count, side, seed, backgrounds)),
        "invented things",
    )


def _photos(config: CorpusConfig, directory: Path, data: Path) -> ItemStore:
    count, side = real_shops.photo_count(data), config.side
    return open_store(
        directory / f"photos-{count}-{side}-{config.seed}",
        (count, real_shops.VIEWS, side),
        lambda: _framed(real_shops.photo_items(data, side, config.seed)),
        "photos",
    )


def _framed(
    items: Iterable[tuple[TrainingItem, Sequence[Image.Image]]],
) -> Iterator[tuple[TrainingItem, Sequence[Image.Image]]]:
    """Without plain borders, as the finished encoder will see pictures."""
    for item, pictures in items:
        yield item, [trim_borders(picture.convert("RGB")) for picture in pictures]
