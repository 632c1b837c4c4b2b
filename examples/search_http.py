"""Searches over plain HTTP by the standard library alone, as a program in any language would.

`python examples/search_http.py --url http://127.0.0.1:8080 "blue mug"`
"""

from __future__ import annotations

import argparse
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """The JSON answer to a JSON body. Raises `SystemExit` with the problem that the worker names."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        # RFC 9457: `title`, `detail`, and the field at fault. 429 and 503 say when to come back in `Retry-After`.
        problem = json.load(error)
        raise SystemExit(f"{error.code} {problem['title']}: {problem.get('detail', '')}") from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the hits of a search, then those of the same one with more weight on words and by price."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="?", default="blue mug")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="of a query worker")
    parser.add_argument("--filter", default="{}", help='JSON, such as {"brand": "Quillfire"}')
    options = parser.parse_args(arguments)
    asked = {"text": options.text, "k": 5, "filters": json.loads(options.filter)}
    for more in ({}, {"weights": {"lexical": 1.0}, "sort": "price"}):
        answer = post(f"{options.url}/v1/search", asked | more)
        print(f"{answer['total']} products, {answer['index_age_ms']} ms behind")
        for hit in answer["hits"]:
            print(f"  {hit['score']:.3f}  {hit['product_id']}  {hit.get('title')}")


if __name__ == "__main__":
    main()
