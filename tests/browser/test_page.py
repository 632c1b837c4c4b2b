"""The search page in a real browser, over a shop of hostile and harmless products."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.shop import Shop, png

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed")

EVIL = '<img src=x onerror="document.title=1"><script>document.title=2</script> teapot'
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
]
WAIT_S = 20


class PageServer:
    """The query worker over the doubles, on a port of its own, in a thread."""

    def __init__(self) -> None:
        self.shop: Shop | None = None
        self.url = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> PageServer:
        self._thread.start()
        assert self._ready.wait(WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(WAIT_S)

    async def _serve(self) -> None:
        self.shop = shop = Shop()
        for at, colour in enumerate(("red", "blue", "green")):
            kept = {"price": 10.0 + at, "currency": "EUR", "brand": "Acme" if at else "Bolt"}
            await shop.put(f"mug-{colour}", png(colour), title=f"{colour} mug", category="Home/Mugs", **kept)
            await shop.put(f"coat-{colour}", png(colour, "white"), title=f"{colour} coat", category="Men/Coats", **kept)
        await shop.put("evil", title=EVIL, category=f"Home/{EVIL}", brand=EVIL, images=[{"url": "javascript:alert(1)"}])
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(shop.app, log_level="warning"))
        # Connections made from here on wait in the socket's queue until the server takes them.
        self._ready.set()
        await self._server.serve([listening])
        shop.close()


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with PageServer() as server:
        yield server


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield browser
    browser.quit()


class Page:
    """The page as a person uses it."""

    def __init__(self, browser: webdriver.Chrome, url: str) -> None:
        self.browser = browser
        self._url = url

    def open(self, path: str = "/") -> None:
        self.browser.get(self._url + path)
        self.until(lambda: self.settled)

    def until(self, holds: Callable[[], Any]) -> None:
        WebDriverWait(self.browser, WAIT_S).until(lambda _: holds())

    @property
    def settled(self) -> bool:
        return self.one("#grid").get_attribute("aria-busy") == "false"

    def one(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    @property
    def products(self) -> list[str]:
        # In one step: elements of the old answer may vanish between two.
        script = "return [...document.querySelectorAll('#grid .card')].map(one => one.dataset.product)"
        return self.browser.execute_script(script)

    def search(self, text: str) -> None:
        box = self.one("#query")
        box.clear()
        box.send_keys(text, Keys.ENTER)
        self.until(lambda: self.one("#headline").text == f"“{text}”" and self.settled)

    def shop_as(self, person: str) -> None:
        box = self.one("#person")
        box.clear()
        box.send_keys(person, Keys.TAB)


@pytest.fixture
def page(browser: webdriver.Chrome, server: PageServer) -> Page:
    page = Page(browser, server.url)
    page.open()
    browser.execute_script("localStorage.clear()")
    page.open()
    browser.get_log("browser")  # type: ignore[attr-defined]
    return page


def test_words_find_products_with_their_pictures(page: Page) -> None:
    page.search("blue coat")
    assert page.products[0] == "coat-blue"
    page.until(lambda: page.browser.execute_script("return document.querySelector('.card img').naturalWidth") == 16)
    assert "7 products" in page.one("#status").text and "ms" in page.one("#status").text


def test_a_photo_finds_its_product(page: Page, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(png("green"))
    page.one("#photo").send_keys(str(photo))
    page.until(lambda: page.one("#headline").text == "Looks like your photo" and page.products[0] == "mug-green")


def test_a_facet_narrows_and_its_chip_widens_again(page: Page) -> None:
    next(one for one in page.all("#facets button") if one.text.startswith("Men")).click()
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
    assert [one.text for one in page.all(".why span")] == ["Text", "Picture", "Words", "For you"]
    assert sum(float(one.text) for one in page.all(".why output")) > 0.5
    words = dict(one.text.split() for one in page.all(".why .terms li"))
    assert set(words) == {"red", "mug"} and page.one(".why .terms li").get_attribute("title") == "title"
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


def test_hostile_products_are_shown_as_text(page: Page) -> None:
    page.search("teapot")
    assert page.products[0] == "evil" and page.one(".card .title").text.startswith("<img src=x")
    page.one(".card .open").click()
    page.until(lambda: page.all(".product h2"))
    assert page.browser.title == "Vitrine · search"
    errors = [one for one in page.browser.get_log("browser") if one["level"] == "SEVERE"]  # type: ignore[attr-defined]
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
    page.browser.set_window_size(360, 740)
    page.search("red mug")
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.browser.execute_script(wide) == 0
    page.one("#open-filters").click()
    assert page.one("#facets").is_displayed()
    page.browser.set_window_size(1280, 900)


def test_the_documentation_is_drawn(page: Page) -> None:
    page.browser.get(page.browser.current_url.split("?")[0] + "docs")
    page.until(lambda: len(page.all("#operations details")) >= 8 and page.all("#schemas details"))
