"""What shops write in HTML is read as text, and what is text stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from indexer.plain_text import plain_fields, plain_text, with_plain_texts
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct

PIECES = (
    "a < b and c > d",
    "<3",
    "&",
    "&amp;",
    "&lt;",
    "&#38;",
    "#38;",
    "amp;",
    "<b>",
    "</b>",
    "<p class='x'>",
    "<br/>",
    "<s>",
    "</s>",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<",
    ">",
    "lt;",
    "word",
    " ",
    "\n",
    "\xa0",
    "é",
    "<title>",
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('<p class="lead"><strong>Cordless</strong> drill&nbsp;with two</p>', "Cordless drill with two"),
        ("one<br>two<br/>three</p>four<li>five</li><td>six</td>seven", "one two three four five six seven"),
        ("<b>W</b>ord, 4 m<sup>2</sup>, <em>un</em>break<wbr>able", "Word, 4 m2, unbreakable"),
        ("kettle<!-- sku 12 > 3 -->s<script>var tracking = 1 < 2;</script><style>p { color: red }</style>", "kettles"),
        ("Ends in a script <script type='text/javascript'>track(", "Ends in a script"),
        ("Cut off <span style='color: re", "Cut off"),
        ("<IMG SRC=x ONERROR=alert(1)>Lamp<iframe src='//x'>no frames</iframe>", "Lamp"),
        ("Black &amp; Decker &ndash; 5&quot; &#8364;10 &#x27;n&#39; caf&eacute;", "Black & Decker – 5\" €10 'n' café"),
        ("&lt;p&gt;Escaped&lt;/p&gt;&lt;p&gt;once&lt;/p&gt;", "Escaped once"),
        ("Salt &amp;amp; pepper &amp;lt;3", "Salt & pepper <3"),
        ("<![CDATA[Milk & <b>honey</b>]]>", "Milk & honey"),
        ("<!DOCTYPE html><html><head><title>Shop</title></head><body>Sofa</body></html>", "Sofa"),
        ("<o:p>Office</o:p><feature>Warm</feature><feature>Dry</feature>", "Office Warm Dry"),
        ("5 < 6 <b>but</b> a <b and c> d & e", "5 < 6 but a <b and c> d & e"),
        ("line one\nline &amp; two", "line one\nline & two"),
    ],
)
def test_markup_goes_and_words_stay(written: str, read: str) -> None:
    assert plain_text(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "<3",
        "I <3 you",
        "5 < 10 cm",
        "x<y && y>z",
        "a<b and c>d",
        "R&D of AT&T; M&S",
        "sizes <S> to <XL>",
        "<info@shop.example>",
        ">>> sale <<<",
        "?a=1&copy=2&lt=3",
        "Fish & chips\n\n  indented",
        "C++ <-> C#",
        "&co;",
        "The <title> of it",
    ],
)
def test_what_no_browser_or_no_merchant_takes_for_markup_stays(text: str) -> None:
    assert plain_text(text) == text


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join))
@example("&amp;" * 4_000)
@example("<b " * 6_000)
@example("&am<b></b>p;l<i></i>t;p>" * 3)
@example("\ud800<b>x</b>")
def test_cleaning_again_changes_nothing(text: str) -> None:
    once = plain_text(text)
    assert plain_text(once) == once


def test_all_that_people_read_of_a_product_is_cleaned_and_nothing_else() -> None:
    fields = {
        "title": "Black &amp; Decker",
        "brand": "<b></b>",
        "category": "Home &amp; Garden/<i>Tools</i>",
        "attributes": {"Weight&nbsp;(net)": "1&nbsp;kg", "uses": ["<li>wood</li>", "<br>"], "empty": "<p></p>"},
        "tags": ["new", "R&amp;D"],
        "reviews": ["Good<br>one"],
        "url": "https://shop.example/?a=1&amp;b=2",
        "images": [{"url": "https://shop.example/?a=1&amp;b=2"}],
        "price": 5.0,
        "description": None,
    }
    assert plain_fields(fields) == fields | {
        "title": "Black & Decker",
        "brand": None,
        "category": "Home & Garden/Tools",
        "attributes": {"Weight (net)": "1 kg", "uses": ["wood"]},
        "tags": ["new", "R&D"],
        "reviews": ["Good one"],
    }


def test_a_row_of_an_older_version_is_stored_as_its_events_would_be_today() -> None:
    stamp = EventStamp(1, "shop", "e")
    stored = StoredProduct(ProductState().merge(ProductChange("p", stamp, {"title": "A&amp;B", "price": 2.0})), "hash")
    mended = with_plain_texts(stored)
    assert mended.state.fields == {"title": "A&B", "price": 2.0}
    assert structs.replace(mended, state=stored.state) == stored
    again = mended.state.merge(ProductChange("p", stamp, plain_fields({"title": "A&amp;B", "price": 2.0})))
    assert again == mended.state
