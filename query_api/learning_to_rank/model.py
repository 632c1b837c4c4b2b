"""A learnt ranker as it is kept: a file of JSON, with no code in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from query_api.errors import InvalidRanker
from query_api.learning_to_rank.features import FEATURES, Values
from query_api.learning_to_rank.trees import Tree, TreeScorer

RANKER_FILE: Final = "ranker.json"
MODEL_TYPE: Final = "vitrine-tree-ranker"


class RankerDocument(Struct, frozen=True, kw_only=True):
    """What the file says."""

    model_type: str = MODEL_TYPE
    features: list[str]
    """Names of the columns that the trees look at."""
    scale: float
    """What 1 of the trees' sum adds to a score."""
    trees: list[Tree]
    training: dict[str, str | float | int] = {}
    """What it was trained on and how it was judged, for people."""


class TreeRanker:
    """What boosted trees add to the scores of candidates. May be called from any thread."""

    def __init__(self, document: RankerDocument) -> None:
        """Raises `InvalidRanker` where it looks at features that are not known here."""
        if unknown := [name for name in document.features if name not in FEATURES]:
            raise InvalidRanker(f"the ranker looks at {unknown[0]!r}, which this version does not know: train it again")
        if any(at >= len(document.features) for tree in document.trees for at in tree.feature):
            raise InvalidRanker("the ranker's trees look at more columns than it names")
        self._columns = [FEATURES.index(name) for name in document.features]
        self._scale = document.scale
        self._scorer = TreeScorer(document.trees)

    def adds(self, rows: Values) -> Values:
        """What is added to the score of each candidate, (n,).

        Args:
            rows: (n, len(FEATURES)), as `feature_rows` gives them.
        """
        return self._scale * self._scorer.scores(rows[:, self._columns])


def load_tree_ranker(directory: str) -> TreeRanker:
    """The ranker in a directory. Raises `InvalidRanker` naming what is wrong with it."""
    path = Path(directory).expanduser() / RANKER_FILE
    try:
        document = msgspec.json.decode(path.read_bytes(), type=RankerDocument)
    except OSError as error:
        raise InvalidRanker(f"no learnt ranker in {directory}: {error}; `vitrine train ranker` makes one") from error
    except msgspec.DecodeError as error:
        raise InvalidRanker(f"{path} is no learnt ranker: {error}") from error
    if document.model_type != MODEL_TYPE or not np.isfinite(document.scale):
        raise InvalidRanker(f"{path} is no learnt ranker, but {document.model_type!r}")
    return TreeRanker(document)


def save_tree_ranker(document: RankerDocument, directory: Path) -> None:
    """Write a ranker, over one that is there: whoever reads it meanwhile has the one or the other, whole."""
    directory.mkdir(parents=True, exist_ok=True)
    new = directory / f"{RANKER_FILE}.new"
    new.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
    new.replace(directory / RANKER_FILE)
