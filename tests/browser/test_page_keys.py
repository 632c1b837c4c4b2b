"""The search page where keys are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from query_api.access.shopper_tokens import mint_shopper_token
from query_api.config import QueryConfig
from tests.access import NEW, SECRET, Doorkeeper
from tests.browser.conftest import Page, PageServer, start_browser


def serve(door: Doorkeeper, **settings: Any) -> PageServer:
    config = QueryConfig(allowed_hosts=("shop",), **settings)
    return PageServer(gate=door.gate, config=config)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    browser = start_browser(tmp_path / "profile", "--lang=en-US")
    yield browser
    browser.quit()


def test_the_page_searches_with_the_public_key_that_it_is_given(browser: webdriver.Chrome) -> None:
    door = Doorkeeper()
    key = asyncio.run(door.key(["search"], public=True))
    with serve(door, page_key=key) as server:
        page = Page(browser, server.url)
        page.open()
        page.search("blue coat")
        assert page.products[0] == "coat-blue"
        assert not page.one(".person").is_displayed() and not page.one("#key").is_displayed()
        page.one(".ask-why").click()
        page.until(lambda: page.all(".why"))


def test_the_page_asks_for_a_key_and_goes_on_with_it_until_the_tab_is_closed(browser: webdriver.Chrome) -> None:
    door = Doorkeeper(token_secret=SECRET)
    asyncio.run(door.key(["search"]))
    with serve(door) as server:
        page = Page(browser, server.url)
        page.open()
        page.until(lambda: page.one("#key").is_displayed())
        for typed, is_good in (("vitrine_pk_wrong", False), (mint_shopper_token(NEW, "ada"), True)):
            page.one("#key input").send_keys(typed)
            page.one("#key button").click()
            page.until(lambda is_good=is_good: page.settled and page.one("#key").is_displayed() != is_good)
        page.search("blue coat")
        assert page.products[0] == "coat-blue"
        assert browser.execute_script("return localStorage.getItem('vitrine-key')") is None
