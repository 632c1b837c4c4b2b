"""Example searches after the demo's catalogue is in: words, a photo, and two persons with different tastes."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from vitrine.client import Client, SearchResults
from vitrine.demo.shoppers import SimulatedShopper
from vitrine.samples.catalogue import SampleProduct
from vitrine.samples.drawing.rendering import render
from vitrine.terminal import cell

ADA = SimulatedShopper("ada", ("dress", "heel", "handbag", "skirt"), ())
BEN = SimulatedShopper("ben", ("sneaker", "backpack", "hoodie", "cap"), ())
WORDS = ("red striped dress", "leather bag", "蓝色 连帽衫", "苹果")
SHARED_WORDS = "blue"
"""What both persons ask for."""
PHOTOGRAPHED = "orange"
SHOWN = 5


def show_examples(client: Client, catalogue: Sequence[SampleProduct], console: Console) -> None:
    """Search by words in two languages, by a photo of a product in other surroundings, and as two persons."""
    for words in WORDS:
        _show(console, f'"{words}"', client.search(words, k=SHOWN))
    product = next(product for product in catalogue if product.kind == PHOTOGRAPHED)
    results = client.search(image=_photo(product), k=SHOWN)
    _show(console, f"a photo of “{product.title('en')}”, taken elsewhere", results)
    for person in (ADA, BEN):
        likes = ", ".join(person.kinds)
        results = client.search(SHARED_WORDS, user_id=person.user_id, k=SHOWN)
        _show(console, f'"{SHARED_WORDS}", asked by {person.user_id}, who clicked on: {likes}', results)


def _photo(product: SampleProduct) -> bytes:
    file = io.BytesIO()
    render(product, view=1, size=256).save(file, "JPEG", quality=85)
    return file.getvalue()


def _show(console: Console, title: str, results: SearchResults) -> None:
    table = Table(title=f"Search: {title}", title_justify="left", min_width=70)
    for column in ("", "product", "title", "category", "price"):
        table.add_column(column)
    for rank, hit in enumerate(results.hits, 1):
        price = "" if hit.price is None else f"{hit.price:.2f} {hit.currency or ''}"
        table.add_row(str(rank), *map(cell, (hit.product_id, hit.title or "", hit.category or "", price)))
    console.print(table)
    console.print(f"  {results.total} found in {results.took_ms:.0f} ms, cache {results.cache}\n", style="dim")
