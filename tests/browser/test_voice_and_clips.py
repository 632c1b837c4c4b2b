"""Speaking to the search page and searching with clips, in a real browser with a microphone that beeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from encoders.speech.port import Transcript
from tests.browser.conftest import Page, PageServer, start_browser
from tests.unit.sounds import clip

LISTENING = "Listening… press again to search, Esc to cancel."


def speak(page: Page, says: Transcript, server: PageServer) -> None:
    """Record half a second, which the service hears as told."""
    server.hearing.says = says
    before = len(server.hearing.received_samples)
    page.one("#speak").click()
    page.until(lambda: page.one("#speak").get_attribute("aria-pressed") == "true")
    page.browser.execute_async_script("setTimeout(arguments[0], 500)")
    page.one("#speak").click()
    page.until(
        lambda: len(server.hearing.received_samples) > before and not page.one("#listening").text and page.settled
    )


def test_what_is_said_is_searched_for_and_shown(page: Page, server: PageServer) -> None:
    speak(page, Transcript("blue coat", ("blue boat", "glue coat")), server)
    assert page.products[0] == "coat-blue" and page.one("#headline").text == "“blue coat”"
    assert page.one("#query").get_attribute("value") == "blue coat" and page.browser.current_url.endswith("blue%20coat")
    assert "Heard: “blue coat”" in page.one("#understood").text
    assert len(server.hearing.received_samples[-1]) > 16_000 / 4
    page.one("#understood button").click()
    page.until(lambda: page.one("#headline").text == "“blue boat”" and page.settled)


def test_filters_and_reasons_are_those_of_what_was_said(page: Page, server: PageServer) -> None:
    speak(page, Transcript("red mug"), server)
    heard = len(server.hearing.received_samples)
    page.one(".ask-why").click()
    page.until(lambda: page.all(".why .terms li"))
    next(element for element in page.all("#facets button") if element.text.startswith("Men")).click()
    page.until(lambda: page.products and all(product.startswith("coat") for product in page.products))
    assert len(server.hearing.received_samples) == heard


def test_speech_that_is_not_understood_is_said_kindly(page: Page, server: PageServer) -> None:
    speak(page, Transcript("", problem="set <i>speech.model</i>"), server)
    assert not page.products and not page.one("#notice").is_displayed()
    assert page.one("#understood").text.startswith("Sorry, we did not catch that.")
    page.one("#understood summary").click()
    assert "set <i>speech.model</i>" in page.one("#understood").text
    speak(page, Transcript("green mug", problem="doubtful"), server)
    assert "We are not quite sure" in page.one("#understood").text and page.products[0] == "mug-green"


def test_the_microphone_is_worked_by_keys_and_escape_forgets(page: Page, server: PageServer) -> None:
    before = len(server.hearing.received_samples)
    button = page.one("#speak")
    assert button.accessible_name == "Search by voice" and page.one("#listening").aria_role == "status"
    button.send_keys(Keys.ENTER)
    page.until(lambda: page.one("#listening").text == LISTENING)
    page.one("body").send_keys(Keys.ESCAPE)
    page.until(lambda: button.get_attribute("aria-pressed") == "false" and not page.one("#listening").text)
    assert len(server.hearing.received_samples) == before and len(page.products) == 7


def test_the_search_button_ends_a_recording_too(page: Page, server: PageServer) -> None:
    server.hearing.says = Transcript("red coat")
    page.one("#speak").click()
    page.until(lambda: page.one("#speak").get_attribute("aria-pressed") == "true")
    page.browser.execute_async_script("setTimeout(arguments[0], 500)")
    page.one("#search .primary").click()
    page.until(lambda: page.one("#headline").text == "“red coat”" and page.settled)


def test_a_browser_that_gives_no_microphone_shows_no_button(page: Page) -> None:
    hides = "window.MediaRecorder = undefined;"
    tool = "Page.addScriptToEvaluateOnNewDocument"
    added = page.browser.execute_cdp_cmd(tool, {"source": hides})
    page.open()
    assert not page.one("#speak").is_displayed()
    page.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_a_blocked_microphone_is_told(page: Page) -> None:
    denies = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); }"
    page.browser.execute_script(denies)
    page.one("#speak").click()
    page.until(lambda: page.one("#toast").text.startswith("The microphone is blocked"))


def test_a_clip_finds_what_it_shows_and_its_chip_takes_it_away(page: Page, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip(["green"]))
    page.one("#picture").send_keys(str(tmp_path / "clip.mp4"))
    page.until(lambda: page.one("#headline").text == "Looks like your clip" and page.settled)
    assert page.products[0] in ("mug-green", "coat-green")
    page.one("#chips .chip").click()
    page.until(lambda: page.one("#headline").text == "All products" and len(page.products) == 7)


def test_what_is_neither_picture_nor_clip_is_refused(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mug")
    page.one("#picture").send_keys(str(tmp_path / "notes.txt"))
    page.until(lambda: page.one("#toast").text == "That is neither a picture nor a clip.")


def test_nothing_is_blocked_by_the_security_policy(page: Page, server: PageServer, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip(["green"]))
    page.one("#picture").send_keys(str(tmp_path / "clip.mp4"))
    speak(page, Transcript("mug"), server)
    errors = [entry for entry in page.browser.get_log("browser") if entry["level"] == "SEVERE"]  # type: ignore[attr-defined]
    assert not errors


@pytest.fixture(scope="module")
def chinese(server: PageServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    browser: webdriver.Chrome = start_browser(tmp_path_factory.mktemp("profile"), "--lang=zh-CN", "--accept-lang=zh-CN")
    yield Page(browser, server.url)
    browser.quit()


def test_a_chinese_browser_gets_the_page_in_chinese(chinese: Page, server: PageServer) -> None:
    chinese.open()
    assert chinese.one("html").get_attribute("lang") == "zh-Hans" and chinese.one("#headline").text == "全部商品"
    assert chinese.one("#speak").accessible_name == "语音搜索"
    assert chinese.one("#query").get_attribute("placeholder").startswith("输入文字搜索")
    speak(chinese, Transcript(""), server)
    assert chinese.one("#understood").text.startswith("抱歉，没有听懂。")
    speak(chinese, Transcript("red mug", ("bed mug",)), server)
    assert "听到：“red mug”" in chinese.one("#understood").text
    assert chinese.browser.find_elements(By.CSS_SELECTOR, ".card .actions button")[0].text == "找相似"


def test_nothing_in_chinese_is_wider_than_a_phone(chinese: Page) -> None:
    with chinese.on_a_phone():
        chinese.search("red mug")
        assert chinese.hidden_width == 0
