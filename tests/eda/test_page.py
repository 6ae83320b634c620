"""The page of a look at a dataset: what it says, and a person's way through it in a real browser."""

from pathlib import Path

import pytest

from imgclf.eda import eda
from imgclf.recipes.config import Config
from tests.browser import open_page
from tests.eda.pictures import dataset, photo


def troubled_page(folder: Path) -> Path:
    """Write the page of a dataset with a leak, eight copies, an unreadable file and a very long name."""
    images = [photo(seed) for seed in range(6)]
    made = dataset([*images, *[images[1]] * 7, b"only text"], [images[0], images[2]])
    made.splits["train"].files[3] = f"train/{'n' * 200}.png"
    recipe = Config.model_validate({"image": {"size": 32}, "augment": {"transforms": []}})
    return eda(made, out=folder, recipe=recipe).files[0]


def test_a_person_s_way_through_the_page(tmp_path: Path):
    """Links lead to what was found, sections fold, tables sort, and every picture is there."""
    with open_page(troubled_page(tmp_path).as_uri()) as page:
        assert page.title() == "A look at made"
        page.locator(".checks").get_by_role("link", name="Leaks between splits").click()
        leaks = page.locator("details", has=page.get_by_role("heading", name="Leaks between splits (4)"))
        pytest.importorskip("playwright.sync_api").expect(leaks.locator("summary")).to_be_in_viewport()
        assert leaks.locator(".group").count() == 2
        leaks.locator("summary").click()
        assert not leaks.locator("img").first.is_visible()
        page.get_by_role("link", name="Leaks between splits (4)").click()
        found = page.locator(".checks tbody tr")
        before = found.all_inner_texts()
        page.locator(".checks").get_by_role("button", name="images").click()
        assert found.all_inner_texts() == sorted(before, key=lambda text: int(text.split()[-1]))
        copies = page.get_by_text("8 images (6 shown), equal pixels")
        assert copies.count() == 2  # under two labels, and as duplicates
        for image in page.locator("img").all():
            image.scroll_into_view_if_needed()
            image.evaluate("each => each.decode()")  # fails where there is nothing to show


def test_the_page_fits_a_phone_in_the_dark(tmp_path: Path):
    """Nothing sticks out at the side, not even a name of 200 letters, and the ground is dark."""
    with open_page(troubled_page(tmp_path).as_uri(), width=390, height=844, dark=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"
        strip = page.locator(".strip div").first
        assert strip.evaluate("each => getComputedStyle(each).gridTemplateColumns.split(' ').length") == 4
