"""A shop's log as files that `play` takes: `python visits.py SCORING TASK DIRECTORY`, with pandas installed.

SCORING has `recdata.py`, which knows the logs and the cases, and `rec.py`, which scores. Written are, a line each:
`products.jsonl`, `visits.jsonl` (before the cut: who, when, what, in order) and `cases.jsonl`. Of what a case is to
find, nothing is written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

TOKEN_FIELDS: Mapping[str, Callable[[list[str]], dict[str, Any]]] = {
    # What a shop would say of a product, of what the log says of it.
    "retail": lambda tokens: {"title": " ".join(tokens)},
    "journey": lambda tokens: {"title": tokens[2][2:].title(), "category": f"{tokens[0][2:]}/{tokens[1][2:]}"},
    "eshop": lambda tokens: {"category": "/".join(tokens)},
}
DAY_MS = 86_400_000


def main() -> None:
    """Write a task's files."""
    scoring, task, directory = sys.argv[1:]
    sys.path.insert(0, scoring)
    import recdata  # pyright: ignore[reportMissingImports]

    shop = task.partition("_")[0]
    cut = recdata.cut(shop, "dev")
    train, test = recdata.split_log(getattr(recdata, shop)("dev"), cut)
    makers = {"retail_session": recdata.within_session, "eshop_click": recdata.next_click}
    cases = makers[task](test) if task in makers else recdata.next_basket(train, test, cut)
    kind = "clicked" if shop == "eshop" else "purchased"
    said = {item: TOKEN_FIELDS[shop](tokens) for item, tokens in recdata.tokens(shop, "dev").items()}
    known = sorted({item for visit in train for item in visit.items})
    out = Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    _write(
        out / "products.jsonl",
        ({"product_id": item, "title": item, **said.get(item, {})} for item in known),
    )
    _write(
        out / "visits.jsonl",
        (
            {"id": one.id, "user": one.user, "kind": kind, "items": one.items, "age_ms": int((cut - one.t) * DAY_MS)}
            for one in train
        ),
    )
    is_session = task in makers
    _write(
        out / "cases.jsonl",
        (
            {"id": case.id, "user": case.user, "kind": kind, "items": list(case.ctx) if is_session else []}
            for case in cases
        ),
    )


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
