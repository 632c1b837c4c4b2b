"""What shops export as HTML, as the text that people read: without tags, comments, scripts, styles and entities. Pure.

Markup is what a browser would take for it, and what nobody writes in a plain text: `a < b and c > d`, `<3`, `R&D` and a
size `<XL>` stay. Texts that were escaped twice are read twice: what is left has no markup, however often it is cleaned.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from html.entities import html5
from typing import Any, cast

import nh3
from msgspec import structs

from indexer.records import FieldWrite, StoredProduct

TEXT_FIELDS = frozenset({"title", "description", "brand", "category", "categories", "attributes", "tags", "reviews"})
"""The fields of a product that people read."""


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_INLINE = _names("""
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr output q rb rp rt ruby s samp
    small span strike strong sub sup time tt u var wbr
""")
"""Elements inside of words and lines; all others part words."""
_UNREAD = _names("applet audio canvas iframe noframes noscript object script style template title video xml")
"""Elements whose content nobody reads."""
_ALWAYS_MARKUP = (_INLINE - {"s"}) | _names("""
    address area article aside base basefont blink blockquote body br button caption center col colgroup dd details
    dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header
    hgroup hr html iframe img input legend li link main map marquee menu meta nav noscript ol optgroup option p param
    picture pre progress script section select source style summary svg table tbody td textarea tfoot th thead tr
    track ul
""")
"""Elements that are taken for markup wherever they open. Others, of which `<s>` is a size, too, and the end of the text
would be missing after `<title>`, are when they are closed somewhere."""
_PASSES = 8
"""How often a text may have been escaped; what is left then, nobody has written to be read."""

_DECLARATION = re.compile(r"<(?:!--|!doctype\b|!\[|\?(?:[a-z]|=))", re.IGNORECASE)
"""Where a comment or another thing begins that is no element."""
_CLOSING = re.compile(r"</([a-z][\w:.-]*)\s*/?>", re.IGNORECASE)
_OPENING = re.compile(
    r"""<(?P<name>[a-z][\w:.-]*)
    (?:\s+(?:allowfullscreen|async|autoplay|checked|controls|default|defer|disabled|hidden|ismap|itemscope|loop|multiple
            |muted|noshade|novalidate|nowrap|open|readonly|required|reversed|selected|data-[\w-]+))*
    (?:\s*>|(?P<unmistakable>\s+[a-z_:@][\w:.@-]*\s*=|\s*/>))""",
    re.IGNORECASE | re.VERBOSE,
)
"""Where an element begins: its first attribute has a value, or is one that needs none; `<b and c>` is none."""
_ENTITY = re.compile(
    r"&(?:#\d{1,7};|#x[0-9a-f]{1,6};|(?P<name>[a-z][a-z0-9]{1,31};)|(?:nbsp|amp|lt|gt|quot)(?![\w=;]))", re.IGNORECASE
)
_AMPERSANDS = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)+", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_SIGNS = re.compile("[<&]")


def plain_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A product's fields, those that people read as `plain_text`; what was nothing but markup is null, or left out.

    Args:
        fields: by name, as JSON values.
    """
    return {name: _plain(value) if name in TEXT_FIELDS else value for name, value in fields.items()}


def with_plain_texts(stored: StoredProduct) -> StoredProduct:
    """What is stored of a product, as its events would be stored today: rows of older versions have markup in them."""
    values = plain_fields({name: write.value for name, write in stored.state.written.items()})
    written = {name: FieldWrite(write.stamp, values[name]) for name, write in stored.state.written.items()}
    return structs.replace(stored, state=structs.replace(stored.state, written=written))


def plain_text(text: str) -> str:
    """A text without markup; one that has none as it is. Idempotent."""
    if "<" not in text and "&" not in text:
        return text
    for _ in range(_PASSES):
        closed = frozenset(name.lower() for name in _CLOSING.findall(text))
        if not any(_is_markup(text, sign.start(), closed) for sign in _SIGNS.finditer(text)):
            return text
        text = _stripped(_AMPERSANDS.sub("&", _CDATA.sub("", text)), closed)
    return " ".join(_SIGNS.sub(" ", text).split())


def _plain(value: Any) -> Any:
    """A text, or the texts of a list or a map, as plain ones; None for a text that was nothing but markup."""
    if isinstance(value, str):
        return plain_text(value) or (value and None)
    if isinstance(value, list):
        items = map(_plain, cast("list[Any]", value))
        return [item for item in items if item is not None]
    if isinstance(value, dict):
        pairs = ((_plain(name), _plain(item)) for name, item in cast("dict[str, Any]", value).items())
        return {name: item for name, item in pairs if name is not None and item is not None}
    return value


def _stripped(text: str, closed: frozenset[str]) -> str:
    """One pass: tags and what nobody reads are gone, entities are what they stand for."""
    marked = _SIGNS.sub(lambda sign: _marked(text, sign.start(), closed), text)
    if "<" not in marked:
        return html.unescape(marked).replace("\xa0", " ")
    # A lone surrogate has no UTF-8.
    marked = marked.encode(errors="replace").decode()
    read = nh3.clean(marked, tags=set(), clean_content_tags={*_UNREAD})
    return " ".join(html.unescape(read).split())


def _marked(text: str, at: int, closed: frozenset[str]) -> str:
    """What to write for the sign at `at`, so that a parser of HTML takes just markup for it, and words stay parted."""
    if text[at] == "&":
        return "&" if _is_entity(text, at) else "&amp;"
    element = _element(text, at, closed)
    if element is None:
        return "&lt;"
    return "<" if not element or element in _INLINE else " <"


def _is_markup(text: str, at: int, closed: frozenset[str]) -> bool:
    return _is_entity(text, at) if text[at] == "&" else _element(text, at, closed) is not None


def _is_entity(text: str, at: int) -> bool:
    found = _ENTITY.match(text, at)
    return found is not None and (found["name"] is None or found["name"] in html5)


def _element(text: str, at: int, closed: frozenset[str]) -> str | None:
    """The element of the tag at `at`; of a comment the empty name; None: it is plain text.

    Args:
        closed: the names that the text has closing tags of, by which names that HTML does not know are elements, too.
    """
    if closing := _CLOSING.match(text, at):
        return closing[1].lower()
    if opening := _OPENING.match(text, at):
        name = opening["name"].lower()
        return name if name in _ALWAYS_MARKUP or name in closed or opening["unmistakable"] else None
    return "" if _DECLARATION.match(text, at) else None
