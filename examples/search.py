"""Searches by the client library: words, filters, facets, and why the first hit is the first.

`python examples/search.py --url http://127.0.0.1:8080 "blue lamp" --below 60`
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vitrine.client import Client


def search(url: str, text: str, below: float) -> None:
    """Print the hits of a search, its facets, and the parts of the first hit's score."""
    with Client(url) as client:
        results = client.search(
            text, k=5, filters={"price": {"lt": below}, "in_stock": True}, facets=["category"], explain=True
        )
    print(f"{results.total} products in {results.took_ms:.0f} ms, cache: {results.cache}")
    for hit in results.hits:
        print(f"  {hit.score:.3f}  {hit.product_id}  {hit.title}  {hit.price:g} {hit.currency}")
    print("facets:", results.facets)
    if results.hits:
        print("why the first is there:", results.hits[0].explanation)


def main(arguments: Sequence[str] | None = None) -> None:
    """Search for what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="?", default="blue lamp")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="of a query worker")
    parser.add_argument("--below", type=float, default=100.0, help="the highest price")
    options = parser.parse_args(arguments)
    search(options.url, options.text, options.below)


if __name__ == "__main__":
    main()
