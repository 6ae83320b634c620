"""The gallery in a real browser: search, wrong predictions only, enlarge."""

from pathlib import Path

from imgclf.explain import Explainer, Options, Subject, explain
from tests.browser import open_page


def gallery(explainer: Explainer, shapes: Path) -> Path:
    """Write the page of three circles, one of them said to be a square, and an unreadable file."""
    Path("bad.png").write_bytes(b"no image")
    circles = [shapes / f"test/circle/0{index}.png" for index in range(3)]
    label = explain(circles[0], explainer.predictor, out=Path("first")).images[0].label
    wrong = "square" if label == "circle" else "circle"
    sources = [Subject(circles[0], "wrong.png", wrong), *circles[1:], "bad.png"]
    options = Options(check=True, methods=("gradcam", "eigencam"), layers=("auto", -3))
    return explain(sources, explainer.predictor, options=options, out=Path("out")).page


def test_a_person_s_way_through_the_gallery(explainer: Explainer, shapes: Path):
    """The filters leave what was asked for, a click enlarges a card and back, and every picture is there."""
    with open_page(gallery(explainer, shapes).absolute().as_uri()) as page:
        cards = page.locator(".explanation")
        assert cards.count() == 3
        page.get_by_label("Search by file or class").fill("WRONG.png")
        assert page.locator(".explanation:visible").count() == 1
        assert page.get_by_role("status").inner_text() == "1 of 3 images"
        page.get_by_label("Search by file or class").fill("")
        page.get_by_label("wrong predictions only").check()
        first = page.locator(".explanation:visible").first
        assert "truly" in first.inner_text()
        before = first.locator("img").first.bounding_box()["width"]
        first.locator("img").first.click()
        assert first.locator("img").first.bounding_box()["width"] > 1.5 * before
        first.locator("img").first.click()
        assert first.locator("img").first.bounding_box()["width"] == before
        page.get_by_label("wrong predictions only").uncheck()
        assert page.locator(".explanation:visible").count() == 3
        assert page.get_by_text("is a text file").count() == 1
        assert page.get_by_text("The lead by method and layer").count() == 1
        for image in page.locator("img").all():
            image.scroll_into_view_if_needed()
            image.evaluate("each => each.decode()")  # fails where there is nothing to show


def test_the_gallery_fits_a_phone_in_the_dark(explainer: Explainer, shapes: Path):
    """Nothing sticks out at the side, and three pictures stand in a row."""
    page_file = explain(shapes / "test/circle/00.png", explainer.predictor, out=Path("out")).page
    with open_page(page_file.absolute().as_uri(), width=390, height=844, dark=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        tops = {image.bounding_box()["y"] for image in page.locator(".explanation img").all()}
        assert len(tops) == 1
