"""What kinds of product there are, and what may vary in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vitrine.samples.catalogue.vocabulary import BilingualTerm

DrawingFamily = Literal["garment", "thing", "produce", "package"]

BRIGHT = (
    "black white grey charcoal navy blue sky teal green olive mint yellow mustard orange coral red burgundy pink "
    "magenta purple lavender brown tan beige"
)
MUTED = "black white grey charcoal navy blue teal green olive mustard red burgundy pink brown tan beige"
DEVICE = "black white silver charcoal blue red pink mint gold"
EARTHY = "brown tan black burgundy navy beige olive red grey"
ALL_PRINTS = (
    "plain plain plain plain striped pinstriped checked dotted floral zigzag camo colour-block gradient logo logo "
    "heather starry"
)
SIMPLE_PRINTS = "plain plain plain colour-block logo striped"
HOME_PRINTS = "plain plain plain striped checked dotted floral zigzag gradient starry"


@dataclass(frozen=True, slots=True)
class ProductVariety:
    """A cut or cultivar within a kind, with how it is told apart in words.

    Attributes:
        key: what the drawing looks at.
        word: names; for goods without colours of their own to choose, the whole name of the thing.
        colour: the colour it naturally has; empty where any of the kind's colours will do.
    """

    key: str
    word: BilingualTerm
    colour: str = ""


@dataclass(frozen=True, slots=True)
class ProductKind:
    """A sort of product.

    Attributes:
        price: least and greatest usual price.
        category: path with `{who}` where men's, women's and children's goods differ.
        colours, patterns, materials: keys to choose from; a key given more than once is likelier.
    """

    word: BilingualTerm
    family: DrawingFamily
    category: str
    price: tuple[float, float]
    colours: tuple[str, ...]
    patterns: tuple[str, ...]
    materials: tuple[str, ...]
    varieties: tuple[ProductVariety, ...]

    @property
    def key(self) -> str:
        """Its name in code."""
        return self.word.key


def parse_kinds(family: DrawingFamily, category: str, rows: str, colours: str, patterns: str) -> list[ProductKind]:
    """Kinds of one department from a table.

    Args:
        category: the department's path.
        rows: a kind a line: `key; english; chinese; sub-category; price; materials; varieties[; colours][; patterns]`,
            names split by `|`, a variety as `key:english:chinese[:colour]`.
        colours, patterns: the choice for rows that have none of their own.
    """
    kinds: list[ProductKind] = []
    for row in rows.strip().splitlines():
        key, en, zh, path, price, materials, varieties, *own = (cell.strip() for cell in row.split(";"))
        low, high = (float(bound) for bound in price.split("-"))
        kinds.append(
            ProductKind(
                BilingualTerm(key, tuple(en.split("|")), tuple(zh.split("|"))),
                family,
                f"{category}/{path}",
                (low, high),
                tuple((own[0] if own and own[0] else colours).split()),
                tuple((own[1] if len(own) > 1 else patterns).split()),
                tuple(materials.split()) or ("",),
                tuple(_variety(cell) for cell in varieties.split(",")),
            )
        )
    return kinds


def _variety(cell: str) -> ProductVariety:
    key, en, zh, colour, *_ = (*cell.strip().split(":"), "", "", "")
    return ProductVariety(key, BilingualTerm(key, tuple(en.split("|")), tuple(zh.split("|"))), colour)
