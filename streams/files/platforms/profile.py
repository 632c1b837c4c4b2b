"""What the columns of a platform's export mean, as its TOML file says; and which platform a file is of."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Final

import msgspec
from msgspec import Struct

NAMES: Final = ("woocommerce", "shopify", "magento", "prestashop", "bigcommerce", "google", "schema.org")
"""The platforms, in the order in which a file is tried."""


class TextMap(Struct, frozen=True, forbid_unknown_fields=True):
    """How a cell writes several attributes: `color=Black,material=Fleece|Polyester`.

    Attributes:
        between: what parts attributes.
        sign: what parts a name from its value; of `:`, what follows a second one is left out.
        several: what parts the values of one.
    """

    between: str
    sign: str
    several: str = "|"


class Attributes(Struct, frozen=True, forbid_unknown_fields=True):
    """Where attributes are.

    Attributes:
        columns: attributes by the columns that hold them, as `their = "ours"`.
        pairs: columns of a name and of its values, with `{n}` for a number from 1.
        maps: columns that each hold several.
        lists: columns of objects with a name and a value.
        patterns: regular expressions whose two groups are a name and a value, by the columns that hold several.
        parallel: columns of names and of their values, `Size:select:0,Colour:color:1` and `M:0,Red:1`.
        nameless: names that name nothing: where they stand, the value is left out, too.
    """

    columns: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    maps: dict[str, TextMap] = {}
    lists: list[str] = []
    patterns: dict[str, str] = {}
    parallel: list[tuple[str, str]] = []
    nameless: list[str] = []


class Variants(Struct, frozen=True, forbid_unknown_fields=True):
    """How the variants of a product are written.

    Attributes:
        inside: a column with a list of them: each becomes a row, whose columns are `variant.NAME`.
        block: columns that rows of one product share.
        product: the column of the product's id, by which a variant may name it instead.
        heads: words by column that begin a product: the rows after it share its block, where they have no other.
        marks: columns of which a row of a variant has one; a row without is more of the product: a picture.
        kinds: words by column that mark a row of a variant, too; what stands for its title are its options.
        product_id: columns of a variant's own id, where they are not those of all products.
        impact: a column of an amount that is added to the product's price.
        shares_stock: words by column that say that the product's stock is its variants', too.
        parent: columns that name the parent's id; an id of the platform's own after `id:`.
        parent_id: the column of that own id.
        children: columns of a parent that name its variants, as `sku=a,color=Red|sku=b`.
        inherited: fields that a variant has of its parent where it lacks them.
    """

    inside: str = ""
    block: list[str] = []
    product: str = ""
    heads: dict[str, list[str]] = {}
    marks: list[str] = []
    kinds: dict[str, list[str]] = {}
    product_id: list[str] = []
    impact: str = ""
    shares_stock: dict[str, list[str]] = {}
    parent: list[str] = []
    parent_id: str = ""
    children: list[str] = []
    inherited: tuple[str, ...] = (
        "title",
        "description",
        "category",
        "brand",
        "tags",
        "images",
        "url",
        "created_at",
        "currency",
        "rating",
        "rating_count",
    )


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """A platform's export.

    Attributes:
        title: what people call it.
        recognised_by: columns of which a file of it has all; `a|b`: one of them.
        not_alone: columns of a file that has variants alone, without the products that they are of: refused.
        fields: columns by the field of ours that they mean, the best first.
        together: fields that take all of their columns, rather than the first that is filled.
        between: what parts the items of a cell, by field; a backslash before it makes it a letter.
        levels: what parts the levels of a category.
        unpublished: words that keep a product out of the index, by column.
        unpublished_alone: the same, for products that are no variants of another.
        in_stock_if: words that say that a product is in stock whatever its quantity, by column; empty: its cell is.
        rules: words by column of rows that change the prices of variants, by their ids or their options.
        reductions: columns of an amount and of a percentage that come off the price.
        ignored: columns that say nothing to shoppers; with `*`.
    """

    title: str
    recognised_by: list[str]
    fields: dict[str, list[str]]
    not_alone: list[str] = []
    together: tuple[str, ...] = ("images",)
    between: dict[str, str] = {}
    levels: str = ">"
    attributes: Attributes = Attributes()
    variants: Variants = Variants()
    unpublished: dict[str, list[str]] = {}
    unpublished_alone: dict[str, list[str]] = {}
    in_stock_if: dict[str, list[str]] = {}
    rules: dict[str, list[str]] = {}
    reductions: tuple[str, str] = ("", "")
    ignored: list[str] = []


@functools.cache
def load_profile(name: str) -> Profile:
    """The profile of a platform, one of `NAMES`."""
    text = files(__package__ or "").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Profile)


def recognise(columns: Collection[str]) -> str | None:
    """The platform whose export has such columns; None where it is none of them."""
    present = {plain_name(column) for column in columns}
    return next((name for name in NAMES if _has_all(present, load_profile(name).recognised_by)), None)


def variants_alone(columns: Collection[str]) -> str | None:
    """The platform of whose products a file with such columns has the variants alone; None where it is none."""
    present = {plain_name(column) for column in columns}
    for name in NAMES:
        profile = load_profile(name)
        is_part = profile.not_alone and _has_all(present, profile.not_alone)
        if is_part and not _has_all(present, profile.recognised_by):
            return name
    return None


def _has_all(present: Collection[str], wanted: Collection[str]) -> bool:
    return all(any(plain_name(column) in present for column in either.split("|")) for either in wanted)


@functools.lru_cache(maxsize=10_000)
def plain_name(column: str) -> str:
    """A column's name without case and signs: `Attribute 1 value(s)` is `attribute 1 value s`."""
    return " ".join(re.sub(r"[\W_]+", " ", column[:256]).casefold().split())


def known_columns(profile: Profile) -> frozenset[str]:
    """The plain names of all columns that a profile knows, but for those that are numbered."""
    attributes, variants = profile.attributes, profile.variants
    known = [column for columns in profile.fields.values() for column in columns]
    known += [*attributes.columns, *attributes.maps, *attributes.lists, *attributes.patterns, *variants.block]
    known += [*(column for pair in attributes.parallel for column in pair), *variants.marks, *variants.product_id]
    known += [*variants.parent, *variants.children, *profile.reductions, variants.inside, variants.parent_id]
    known += [variants.impact, variants.product]
    groups: tuple[Mapping[str, object], ...] = (profile.unpublished, profile.unpublished_alone, profile.in_stock_if)
    groups = (*groups, profile.rules, variants.heads, variants.kinds, variants.shares_stock)
    known += [column for group in groups for column in group]
    return frozenset(plain_name(column.partition(".")[0]) for column in known if column) | frozenset(
        plain_name(column) for column in known if column
    )


def is_ignored(profile: Profile, column: str) -> bool:
    """Whether a column says nothing to shoppers."""
    name = column.casefold()
    spaced = name.replace("_", " ")
    return any(
        fnmatchcase(name, pattern) or (" _" not in pattern and fnmatchcase(spaced, pattern.replace("_", " ")))
        for pattern in profile.ignored
    )
