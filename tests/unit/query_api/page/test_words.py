"""The page's two languages: whatever it says in English it can say in Chinese."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files

from query_api.recommending.suggestions import DEEDS

PAGE = files("query_api").joinpath("page")
SCRIPTS = [path for path in PAGE.iterdir() if path.name.endswith(".js") and path.name != "docs.js"]
NAMED = ("aria-label", "title", "placeholder")


class Said(HTMLParser):
    """What the elements of a page that are marked `data-say` say."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._is_said = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._is_said = "data-say" in given
        if self._is_said:
            self.texts |= {given[name] or "" for name in NAMED if name in given}

    def handle_data(self, data: str) -> None:
        if self._is_said and data.strip():
            self.texts.add(data.strip())

    def handle_endtag(self, tag: str) -> None:
        self._is_said = False


def in_page() -> set[str]:
    said = Said()
    said.feed(PAGE.joinpath("index.html").read_text())
    return said.texts


def in_scripts() -> set[str]:
    return {found for script in SCRIPTS for found in re.findall(r'\bsay\("((?:[^"\\]|\\.)*)"', script.read_text())}


def in_chinese() -> dict[str, str]:
    written = PAGE.joinpath("words.js").read_text()
    return dict(re.findall(r'^  "(.*?)":\s+"(.*?)",$', written, re.MULTILINE))


def in_reasons() -> set[str]:
    return set(re.findall(r'^  "(.*?)",$', PAGE.joinpath("reasons.js").read_text(), re.MULTILINE))


# `say(one)`, over what a response calls `degraded`.
PARTS = {"cache", "personalisation", "image", "lexical", "ranker"}


def test_everything_that_is_said_has_its_chinese() -> None:
    assert len(in_page()) > 20 and len(in_scripts()) > 40
    assert in_page() | in_scripts() | in_reasons() | PARTS == set(in_chinese())


def test_both_languages_fill_in_the_same_values() -> None:
    for english, chinese in in_chinese().items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", chinese)), english


def test_what_a_person_did_is_said_as_the_service_words_it() -> None:
    because = {f"because you {deed.format('{title}')}" for deed in DEEDS.values()}
    assert because | {f"you {deed.format('it')}" for deed in DEEDS.values()} <= in_reasons()
