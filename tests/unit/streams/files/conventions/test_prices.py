"""Prices as shops write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.files.conventions.prices import PriceConvention, read_price


def column(*cells: str) -> PriceConvention:
    convention = PriceConvention()
    for cell in cells:
        convention.see(cell)
    return convention


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        ("$49.00", (49.0, "USD")),
        ("1,299.00", (1299.0, None)),
        ("1.299,00 €", (1299.0, "EUR")),
        ("1 299,50 EUR", (1299.5, "EUR")),
        ("1\u202f299,50\u00a0€", (1299.5, "EUR")),
        ("CHF 1'200.50", (1200.5, "CHF")),
        ("$49.00 CAD", (49.0, "CAD")),
        ("US $12.50", (12.5, "USD")),
        ("12,5", (12.5, None)),
        ("1.234.567", (1234567.0, None)),
        ("1,23,456.00", (123456.0, None)),
        ("0.299", (0.299, None)),
        ("¥1200", (1200.0, None)),
        (49, (49.0, None)),
        ("49€99", (49.99, "EUR")),
        ("$.99", (0.99, "USD")),
        ("S/.49", (49.0, "PEN")),
        ("49,90 $ CA", (49.9, "CAD")),
        ("1,29,999/- ₹", (129999.0, "INR")),
        ("CHF 1’299.–", (1299.0, "CHF")),
        ("10 000 Ft", (10000.0, "HUF")),
        ("129,- Kč", (129.0, "CZK")),
        ("€ 1.299,-", (1299.0, "EUR")),
        ("5:-", (5.0, None)),
        ("Rs. 1299/-", (1299.0, None)),
        ("S/ 49.90", (49.9, "PEN")),
        ("12,50 złotych", (12.5, "PLN")),
        ("ab 49,90 €", (49.9, "EUR")),
        ("à partir de 12,00 € TTC", (12.0, "EUR")),
        ("49,99 € inkl. 19% MwSt.", (49.99, "EUR")),
        ("12.50 (excl. VAT)", (12.5, None)),
        ("１２９９円（税込）", (1299.0, "JPY")),
        ("١٢٩٩٫٥٠ ر.س", (1299.5, "SAR")),
        ("18,00 – 45,00 €", (18.0, "EUR")),
        ("$20 to $10", (10.0, "USD")),
        ("zwischen 10 und 20 €", (10.0, "EUR")),
    ],
)
def test_a_price_is_read_as_it_is_written(cell: object, price: tuple[float, str | None]) -> None:
    assert read_price(cell) == price


@pytest.mark.parametrize(
    "cell",
    [
        "free",
        "49 or so",
        True,
        [1],
        "$",
        "call 555",
        "-5.00",
        "$-5",
        "10% off",
        "2 for $10",
        "1e3",
        "12 34",
        "was $89 now $59",
        "99 € (118,80 € TTC)",
        "12 USD / EUR 11",
    ],
)
def test_what_is_no_price_is_refused(cell: object) -> None:
    with pytest.raises(ValueError, match=r"no|several"):
        read_price(cell)


@pytest.mark.parametrize("cell", ["4.99/kg", "€ 5 per piece", "2,99 €/100g", "9,90 € pro Meter"])
def test_a_price_of_a_unit_of_measure_is_refused_as_one(cell: str) -> None:
    with pytest.raises(ValueError, match=r"unit|two numbers"):
        read_price(cell)


@pytest.mark.parametrize("cell", ["1.299", "1,299", "€1.299", "1.299 €", "R 1,299", "$1.299"])
def test_a_price_that_can_be_read_two_ways_is_refused_by_both(cell: str) -> None:
    with pytest.raises(ValueError, match=r"read as 1\.299 or 1299; .* --decimal"):
        read_price(cell)
    assert read_price(cell, PriceConvention(","))[0] in (1.299, 1299.0)


@pytest.mark.parametrize(
    ("others", "cell", "price"),
    [
        (["49,90", "5,00"], "1.299", 1299.0),
        (["49.90"], "1,299", 1299.0),
        (["12.5", "3.75"], "1.299", 1.299),
        (["1.299.000"], "2.499", 2499.0),
        (["1.250,00 €", "$1,250.00"], "2.499 €", 2499.0),
        (["1.250,00 €", "$1,250.00"], "$2,499", 2499.0),
        ([], "$1,299", 1299.0),
        ([], "￥1,299", 1299.0),
        ([], "1.299 zł", 1299.0),
        ([], "R$ 1.299", 1299.0),
        ([], "12,000 ₫", 12000.0),
        ([], "1.299 KWD", 1.299),
    ],
)
def test_the_column_decides_first_by_cells_of_one_currency(others: list[str], cell: str, price: float) -> None:
    assert read_price(cell, column(*others, cell))[0] == price


@pytest.mark.parametrize("others", [["49.90", "19.90"], ["1.250,00 €", "1,250.00 €"]])
def test_a_column_that_contradicts_a_cell_or_itself_decides_nothing(others: list[str]) -> None:
    with pytest.raises(ValueError, match="--decimal"):
        read_price("1.299 €", column(*others))


def test_a_currency_stated_elsewhere_counts_like_one_of_the_cell() -> None:
    assert read_price("1,299", stated="GBP") == (1299.0, None)


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.sampled_from(["", "€", "kr", "zł", "CHF"]))
def test_grouped_prices_of_either_convention_are_the_same_number(price: object, sign: str) -> None:
    english = f"{price:,.2f}"
    continental = english.translate(str.maketrans(",.", ".,"))
    spaced = english.translate(str.maketrans(",.", " ,"))
    for cell in (english, continental, spaced):
        assert read_price(f"{cell} {sign}")[0] == read_price(f"{sign}{cell}")[0] == float(str(price))


@given(st.lists(st.integers(0, 10**7), min_size=1), st.sampled_from([".,", ",.", ", ", ",'"]))
def test_no_column_of_one_convention_is_read_wrong(cents: list[int], marks: str) -> None:
    decimal, thousands = marks
    written = [
        f"{number / 100:,.2f}".replace(",", "T").replace(".", decimal).replace("T", thousands) for number in cents
    ]
    written += [f"{number:,}".replace(",", thousands) for number in cents]
    convention = column(*written)
    for number, cell in zip([*(number / 100 for number in cents), *map(float, cents)], written, strict=True):
        assert read_price(cell, convention)[0] == pytest.approx(number)


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_is_a_price_or_refused(cell: str, others: list[str]) -> None:
    try:
        value, _ = read_price(cell, column(*others))
    except ValueError:
        return
    assert value >= 0
