"""The search page in a real browser, over a shop of hostile and harmless products."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.browser.conftest import Page, PageServer
from tests.shop import png


def test_words_find_products_with_their_pictures(page: Page) -> None:
    page.search("blue coat")
    assert page.products[0] == "coat-blue"
    page.until(lambda: page.browser.execute_script("return document.querySelector('.card img').naturalWidth") == 16)
    assert "7 products" in page.one("#status").text and "ms" in page.one("#status").text


def test_a_photo_finds_its_product(page: Page, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(png("green"))
    page.one("#picture").send_keys(str(photo))
    page.until(lambda: page.one("#headline").text == "Looks like your photo" and page.products[0] == "mug-green")


def test_a_facet_narrows_and_its_chip_widens_again(page: Page) -> None:
    next(element for element in page.all("#facets button") if element.text.startswith("Men")).click()
    page.until(lambda: len(page.products) == 3)
    page.one(".chip").click()
    page.until(lambda: len(page.products) == 7)


def test_more_like_this_leaves_the_product_itself_out(page: Page) -> None:
    page.search("red mug")
    page.one(".card .actions button").click()
    page.until(lambda: page.one("#headline").text.startswith("More like"))
    page.until(lambda: len(page.products) == 6 and "mug-red" not in page.products)


def test_why_shows_the_parts_of_the_score(page: Page) -> None:
    page.search("red mug")
    page.one(".ask-why").click()
    page.until(lambda: page.all(".why"))
    assert [element.text for element in page.all(".why span")] == ["Text", "Picture", "Words", "For you"]
    assert sum(float(element.text) for element in page.all(".why output")) > 0.5
    words = dict(element.text.rsplit(maxsplit=1) for element in page.all(".why .terms li"))
    assert words.keys() >= {"red", "mug"} and page.one(".why .terms li").get_attribute("title") == "title"
    assert sum(map(float, words.values())) == pytest.approx(float(page.all(".why output")[2].text), abs=0.011)


def test_what_a_person_clicks_changes_their_next_search(page: Page, server: PageServer) -> None:
    page.shop_as("ann")
    page.until(lambda: page.one("#headline").text == "For you" and page.settled)
    page.search("green")
    page.one("[data-product=coat-green] .open").click()
    page.until(lambda: page.all(".product .buttons button"))
    page.one(".product .buttons button").click()
    page.until(lambda: page.one("#toast").is_displayed())
    page.one(".product .close").click()
    page.search("red")
    assert page.products[0] == "coat-red"
    assert server.shop is not None
    assert {"user.clicked", "user.liked"} <= {event.type for _, event in server.shop.published.events}


def test_what_a_person_looked_at_stands_above_what_is_for_them_with_reasons(
    page: Page, server: PageServer, tmp_path: Path
) -> None:
    assert server.shop is not None and not page.all("#shelves section")
    asyncio.run(server.shop.interact("dora", ["mug-red"]))
    page.shop_as("dora")
    page.until(lambda: len(page.all("#shelves section")) == 2)
    recent, similar = (element.text for element in page.all("#shelves section"))
    assert recent.startswith("Recently viewed") and "you looked at it" in recent
    assert similar.startswith("Like “red mug”") and "because you looked at red mug" in similar
    assert "because you looked at red mug" in page.one("#grid").text
    page.browser.save_screenshot(str(tmp_path / "shelves.png"))
    with page.on_a_phone():
        page.open()
        page.until(lambda: page.all("#shelves section"))
        assert page.hidden_width == 0
    page.search("mug")
    assert not page.all("#shelves section")


def test_hostile_products_are_shown_as_text(page: Page) -> None:
    page.search("teapot")
    assert page.products[0] == "evil" and page.one(".card .title").text.startswith("<img src=x")
    page.one(".card .open").click()
    page.until(lambda: page.all(".product h2"))
    assert page.browser.title == "Vitrine · search"
    errors = [entry for entry in page.browser.get_log("browser") if entry["level"] == "SEVERE"]  # type: ignore[attr-defined]
    assert not errors


def test_what_was_understood_is_shown_as_text_and_can_be_switched_off(page: Page) -> None:
    page.search("caot <i>x</i> −red under 12")
    page.until(lambda: page.all("#understood button"))
    assert "Showing results for “coat <i>x</i> −red under 12”" in page.one("#understood").text
    assert "Without: red" in page.one("#understood").text
    assert "coat-blue" in page.products and not {"coat-red", "coat-green"} & set(page.products)
    [chip] = page.all("#chips .chip")
    assert chip.text == "Price: under 12"
    chip.click()
    page.until(lambda: not page.all("#chips .chip") and "coat-green" in page.products)
    page.one("#understood button").click()
    page.until(lambda: "Did you mean coat <i>x</i> −red under 12?" in page.one("#understood").text)
    page.one("#understood button").click()
    page.until(lambda: page.one("#query").get_attribute("value") == "coat <i>x</i> −red under 12" and page.settled)
    page.until(lambda: page.one("#understood").text == "Without: red" and page.all("#chips .chip"))


def test_a_shared_address_and_the_back_button_search_again(page: Page) -> None:
    page.open("/?q=blue%20mug")
    page.until(lambda: page.products[:1] == ["mug-blue"])
    page.search("red mug")
    page.browser.back()
    page.until(lambda: page.products[:1] == ["mug-blue"])


def test_nothing_is_wider_than_a_phone(page: Page) -> None:
    with page.on_a_phone():
        page.search("red mug")
        assert page.hidden_width == 0 and page.browser.execute_script("return innerWidth") == 360
        page.one("#open-filters").click()
        assert page.one("#facets").is_displayed()


def test_the_documentation_is_drawn(page: Page) -> None:
    page.browser.get(page.browser.current_url.split("?")[0] + "docs")
    page.until(lambda: len(page.all("#operations details")) >= 8 and page.all("#schemas details"))
