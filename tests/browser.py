"""A real Chromium that opens our pages and remembers what went wrong: console errors and outside requests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlparse

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_OWN = ("127.0.0.1", "localhost", "")  # the hosts a page of ours may ask; a file has none


@contextmanager
def open_page(
    url: str,
    *,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    http_credentials: tuple[str, str] | None = None,
) -> Iterator["Page"]:
    """Open `url` (file:// or http://127.0.0.1) and, at the end, fail on a console error or an outside request.

    Skips the test where Playwright or Chromium is not installed.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    errors: list[str] = []
    requests: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=_FLAGS)
        try:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                accept_downloads=True,
                http_credentials=(
                    {"username": http_credentials[0], "password": http_credentials[1]}
                    if http_credentials
                    else None
                ),
            )
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on(
                "console", lambda message: errors.append(message.text) if message.type == "error" else None
            )
            page.on("request", lambda request: requests.append(request.url))
            page.goto(url)
            yield page
        finally:
            browser.close()
    assert not errors, f"the page wrote errors to the console: {errors}"
    outside = [url for url in requests if (urlparse(url).hostname or "") not in _OWN]
    assert not outside, f"the page asked other hosts: {outside}"
