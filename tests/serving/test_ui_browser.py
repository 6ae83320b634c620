"""The page in a real browser: a person clicks through all of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imgclf.runs import Run
from imgclf.runs.kept_images import MISCLASSIFIED, ToKeep, keep_images
from imgclf.serving.http.credentials import add_key
from tests.browser import open_page
from tests.serving.conftest import Start, running

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytest.importorskip("gradio", reason="needs the extra 'ui'")


def test_a_person_clicks_through_the_page(shapes_run_copy: Run, circle: bytes, tmp_path: Path) -> None:
    """Example, upload, paste, bars, map, calls, errors and health; with a password, nothing from elsewhere."""
    errors = [ToKeep(circle, f"test/{number}", "circle", "square", 0.9) for number in range(3)]
    keep_images(shapes_run_copy.path / MISCLASSIFIED, errors, 3)
    keys = tmp_path / "keys.txt"
    password = add_key(keys, "anna")
    with (
        running(shapes_run_copy.path, ui=True, keys_file=keys, local_names_only=True) as server,
        open_page(server.url, width=390, height=844, http_credentials=("anna", password)) as page,
    ):
        assert page.url == f"{server.url}/ui/"
        _classify(page, server.port)
        _bring_images(page, circle)
        _look_at_errors(page)
        page.get_by_role("tab", name="Model and server").click()
        page.locator('td[data-health="status"]', has_text="ready").wait_for()
        assert page.locator('td[data-health="queue"]').inner_text() == "0"
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, "the page scrolls sideways on a phone"


def test_a_refusal_is_a_sentence_on_the_page(start: Start) -> None:
    """Of what is refused before the page's own functions hear of it; the old answer is not left under a new image."""
    with (
        start(ui=True, rate_limit=1) as server,
        pytest.raises(AssertionError, match="status of 429"),  # the browser itself writes that to the console
    ):
        _ask_too_often(f"{server.url}/ui/")


def _ask_too_often(url: str) -> None:
    with open_page(url) as page:
        examples = page.get_by_role("button", name="Example: ")
        examples.nth(0).click()
        page.locator(".verdict").wait_for()
        examples.nth(1).click()
        page.get_by_role("alert").get_by_text("More than 1 requests a minute. Try again in").wait_for()
        page.locator(".verdict").wait_for(state="hidden")


def _classify(page: "Page", port: int) -> None:
    """Take an example, ask for fewer classes and for a map, read how a program does it."""
    page.get_by_role("button", name="Example: ").nth(9).wait_for()
    page.get_by_role("button", name="Example: triangle").first.click()
    page.locator(".verdict").wait_for()
    assert page.locator(".bars li").count() == 3
    page.get_by_role("spinbutton").first.fill("2")
    page.locator(".bars li").nth(2).wait_for(state="detached")
    page.get_by_label("Show where the model looks").check()
    page.locator(".pair figcaption", has_text="by Grad-CAM at layer").wait_for()
    _choose(page, "For which class", "square")
    page.locator(".pair figcaption", has_text="What speaks for square").wait_for()
    _choose(page, "Method", "LayerCAM")
    page.locator(".pair figcaption", has_text="by LayerCAM at layer").wait_for()
    page.get_by_role("button", name="Ask the same of the API").click()
    code = page.locator(".cm-content").first
    code.get_by_text("method=layercam").first.wait_for()
    assert f"http://127.0.0.1:{port}/predict?top_k=2" in code.inner_text()
    assert "X-API-Key: YOUR_KEY" in code.inner_text()
    page.get_by_label("Show where the model looks").uncheck()
    page.locator(".pair").wait_for(state="detached")


def _bring_images(page: "Page", content: bytes) -> None:
    """Upload one, upload what is none, and paste one."""
    upload = page.locator('input[type="file"]')
    upload.set_input_files({"name": "mine.png", "mimeType": "image/png", "buffer": content})
    page.locator(".chosen", has_text="mine.png").wait_for()
    upload.set_input_files(
        {"name": "notes.png", "mimeType": "image/png", "buffer": b"these are notes, no pixels"}
    )
    page.get_by_role("alert").get_by_text("The image").wait_for()
    assert page.locator(".verdict").count() == 0
    upload.set_input_files({"name": "big.png", "mimeType": "image/png", "buffer": bytes(10_000_001)})
    page.get_by_role("alert").get_by_text("10 MB are the most that this server takes").wait_for()
    page.evaluate(
        """(bytes) => {
          const moved = new DataTransfer();
          moved.items.add(new File([new Uint8Array(bytes)], 'pasted.png', { type: 'image/png' }));
          document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: moved }));
        }""",
        list(content),
    )
    page.locator(".chosen", has_text="pasted.png").wait_for()
    page.locator(".verdict").wait_for()


def _look_at_errors(page: "Page") -> None:
    """See all of them, then fewer with their maps."""
    page.get_by_role("tab", name="Errors").click()
    page.locator(".gallery figure").nth(2).wait_for()
    page.get_by_label("Show where the model looked").check()
    page.locator(".gallery .two").nth(2).wait_for()
    page.locator('input[type="number"]:visible').first.fill("1")
    page.locator(".gallery figure").nth(1).wait_for(state="detached")
    assert page.locator(".gallery .two img").count() == 2
    assert "is circle" in page.locator(".gallery figcaption").inner_text()


def _choose(page: "Page", label: str, option: str) -> None:
    page.get_by_label(label).first.click()
    page.get_by_role("option", name=option, exact=True).click()
