"""A query worker over a shop of hostile and harmless products, and a browser on its page."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from encoders.speech.port import ScriptedRecogniser, Transcript
from tests.shop import Shop, png

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
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
    # A microphone that beeps, with leave to use it.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
WAIT_S = 20


class Hearing(ScriptedRecogniser):
    """Hears in every sound what it is set to."""

    says = Transcript("")

    async def transcribe(self, samples: Any) -> Transcript:
        self.received_samples.append(samples)
        return self.says


class PageServer:
    """The query worker over the doubles, on a port of its own, in a thread."""

    def __init__(self, **options: Any) -> None:
        """Args: options: of the shop, such as its gate."""
        self._options = options
        self.shop: Shop | None = None
        self.hearing = Hearing()
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
        self.shop = shop = Shop(recogniser=self.hearing, **self._options)
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


def start_browser(profile: Path, *flags: str) -> webdriver.Chrome:
    """A headless browser with a profile of its own; skips the test where there is none."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, *flags, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(DRIVER))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    browser = start_browser(tmp_path_factory.mktemp("profile"), "--lang=en-US")
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

    @contextmanager
    def on_a_phone(self) -> Iterator[None]:
        """As wide as a phone, which no window of the browser can be."""
        phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        yield
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    @property
    def hidden_width(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.browser.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

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
