"""Rows of rules: what variants cost otherwise than their product, told below them by their id or their options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from streams.files.conventions.prices import PriceConvention, read_price
from streams.files.formats.row import RejectedRow
from streams.files.notice import FileNotice
from streams.files.platforms.translation import TranslatedRow

OFFER: Final = frozenset({"sale_price", "sale_price_from", "sale_price_until", "sale_price_dates"})
"""What a product's price is made of beside `price`."""
_RULE: Final = re.compile(r"\[(FIXED|ADD|REMOVE)\]([^%]+)", re.IGNORECASE)


def apply_rules(
    rules: Iterable[TranslatedRow], variants: list[TranslatedRow], convention: PriceConvention, notice: FileNotice
) -> Iterator[RejectedRow]:
    """State what variants cost by rules, one after another.

    One that is not understood is yielded, and the variants that it is of are left without a price, rather than with a
    wrong one. Rules of options that no variant has are counted.
    """
    for rule in rules:
        concerned = [variant for variant in variants if _concerns(rule, variant)]
        notice.unused_rules += not concerned
        try:
            for variant in concerned:
                _apply(rule, variant.row.cells, convention)
            notice.merged += bool(concerned)
        except ValueError as error:
            for variant in concerned:
                for name in ("price", *OFFER):
                    variant.row.cells.pop(name, None)
            yield RejectedRow(rule.row.line, f"price of a rule: {error}; its variants are without one")


def _concerns(rule: TranslatedRow, variant: TranslatedRow) -> bool:
    if rule.row.cells.get("product_id"):
        return rule.row.cells["product_id"] == variant.row.cells.get("product_id")
    options, own = _attributes(rule), _attributes(variant)
    return bool(options) and options.items() <= own.items()


def _attributes(row: TranslatedRow) -> Mapping[str, str]:
    found = cast("dict[str, Any]", row.row.cells.get("attributes", {}))
    return {name: str(value) for name, value in found.items()}


def _apply(rule: TranslatedRow, cells: dict[str, Any], convention: PriceConvention) -> None:
    cells["images"] = [*rule.row.cells.get("images", []), *cells.get("images", [])]
    if not rule.rule_price:
        return
    said = _RULE.fullmatch(rule.rule_price)
    if said is None:
        raise ValueError(f"{rule.rule_price[:60]!r} is none of [FIXED], [ADD] and [REMOVE] with an amount")
    amount, _ = read_price(said[2].strip(), convention)
    if said[1].upper() == "FIXED":
        cells["price"] = amount
        for name in OFFER:
            cells.pop(name, None)
        return
    for name in ("price", "sale_price"):
        if name in cells:
            before, _ = read_price(cells[name], convention)
            cells[name] = round(before + (amount if said[1].upper() == "ADD" else -amount), 4)
