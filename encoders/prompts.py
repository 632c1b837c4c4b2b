"""Prompts: what an encoder was trained to read before a text, by what the text is for."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Prompts(msgspec.Struct, frozen=True):
    """Two prompts; most encoders have none. Encoders take texts as they are: who knows what for puts the prompt first.

    Source: Wang et al., "Text embeddings by weakly-supervised contrastive pre-training", 2022.
    """

    query: str = ""
    document: str = ""

    def for_queries(self, texts: Iterable[str]) -> list[str]:
        """Texts that somebody looks for."""
        return [self.query + text for text in texts]

    def for_documents(self, texts: Iterable[str]) -> list[str]:
        """Texts that are found: those of products."""
        return [self.document + text for text in texts]
