"""The page as a person uses it: hover, tap, filter, colour, search, lasso, keys, two maps, in a real browser."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from imgclf.data import Examples
from imgclf.embed.extraction import Extraction
from imgclf.embed.geometry import measure_fidelity, measure_geometry
from imgclf.embed.maps import Map
from imgclf.embed.page import embed_page
from imgclf.embed.projection import Method
from imgclf.embed.sprite import make_sprite
from imgclf.embed.summary import metrics_record
from tests.browser import open_page

if TYPE_CHECKING:
    from playwright.sync_api import Page, Position

CLASSES = ("ant", "bee", "<b>cat")
# One point of each class in a corner of its own, with the rest of the class around it.
CORNERS = np.array([[-10.0, 10.0], [10.0, 10.0], [-10.0, -10.0]])
EACH = 8
LABELS = np.repeat(np.arange(3), EACH)
FLAT = (CORNERS[LABELS] + np.random.default_rng(0).normal(0, 0.8, (len(LABELS), 2))).astype(np.float32)
FLAT[::EACH] = CORNERS
FLAT[2 * EACH - 1] = [12, 12]


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of three clouds in a flat and a deep map; the ants' thumbnails are red, the last bee is seen as an ant."""
    labels, depth = LABELS, np.random.default_rng(1).normal(0, 5, (len(LABELS), 1))
    deep = np.concatenate([FLAT, depth], axis=1).astype(np.float32)
    colours = np.array([[220, 20, 20], [20, 200, 20], [20, 20, 220]], np.uint8)[labels]
    predictions = labels.copy()
    predictions[2 * EACH - 1] = 0
    extraction = Extraction(
        embeddings=deep,
        examples=Examples(
            [b""] * len(labels), labels, [f'{CLASSES[n]}/"{i}", <x>.png' for i, n in enumerate(labels)]
        ),
        predictions=predictions,
        confidences=np.linspace(0.3, 1, len(labels), dtype=np.float32),
        sprite=make_sprite(np.tile(colours[:, None, None], (1, 16, 16, 1))),
        skipped=(),
    )
    geometry = measure_geometry(deep, labels, 3)
    plotted: list[tuple[Method, np.ndarray]] = [("tsne", FLAT), ("pca", deep)]
    maps = [
        Map(method, points, {}, measure_fidelity(deep, points, labels, geometry.neighbors), 0.1, True, 1.0)
        for method, points in plotted
    ]
    metrics = metrics_record("net", "net on bugs", extraction, geometry, maps, CLASSES, 0.9, "A sentence.")
    path = tmp_path_factory.mktemp("page") / "embed.html"
    path.write_text(embed_page("net on bugs", extraction, CLASSES, maps, geometry, metrics), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def opened(html: Path) -> Iterator["Page"]:
    """The page on a desktop, for all tests: a browser takes a second to start."""
    with open_page(html.as_uri()) as page:
        yield page


@pytest.fixture
def page(opened: "Page") -> "Page":
    """The page as it is at first."""
    opened.mouse.move(3, 3)
    opened.reload()
    opened.wait_for_timeout(100)
    return opened


def place(page: "Page", index: int) -> "Position":
    """Where a point of the flat map is on its stage: the whole map, fitted with 16 pixels to spare."""
    box = page.locator(".stage canvas").first.bounding_box()
    assert box is not None
    points = FLAT * [1, -1]
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.array([box["width"], box["height"]])
    scale = ((size - 32) / (high - low)).min()
    x, y = size / 2 + scale * (points[index] - (low + high) / 2)
    return {"x": float(x), "y": float(y)}


def tip(page: "Page") -> str:
    """What the tooltip says; empty while it is hidden."""
    box = page.locator(".tip").first
    return box.inner_text() if box.is_visible() else ""


def colour_of(page: "Page", selector: str) -> list[int]:
    """The colour in the middle of a canvas."""
    script = "c => [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data]"
    found: list[int] = page.locator(selector).first.evaluate(script)
    return found


def painted(page: "Page") -> int:
    """How many pixels of the map hold a point."""
    page.wait_for_timeout(60)
    script = (
        "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; "
        "for (let i = 0; i < d.length; i += 4) n += d[i] !== d[0] || d[i + 2] !== d[2]; return n; }"
    )
    found: int = page.locator(".stage canvas").first.evaluate(script)
    return found


def count_line(page: "Page") -> str:
    """The line under the legend."""
    return page.locator("#count").inner_text()


def saved(page: "Page") -> list[dict[str, str]]:
    """Press the button that saves, and read what was downloaded."""
    with page.expect_download() as waiting:
        page.click("#save")
    assert waiting.value.suggested_filename == "selection.csv"
    with Path(waiting.value.path()).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def lasso(page: "Page", index: int) -> None:
    """Draw a loop around a corner's cloud."""
    box = page.locator(".stage canvas").first.bounding_box()
    assert box is not None
    at = place(page, index)
    xs = [min(max(at["x"] + dx, 2), box["width"] - 2) + box["x"] for dx in (-110, 110, 110, -110, -110)]
    ys = [min(max(at["y"] + dy, 2), box["height"] - 2) + box["y"] for dy in (-110, -110, 110, 110, -110)]
    page.mouse.move(xs[0], ys[0])
    page.mouse.down()
    for x, y in zip(xs[1:], ys[1:], strict=True):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


def test_hover_shows_thumbnail_file_and_labels(page: "Page") -> None:
    """The image's own thumbnail, and text as text; away from all points it goes."""
    assert tip(page) == ""
    page.locator(".stage canvas").first.hover(position=place(page, 2 * EACH - 1))
    assert tip(page).splitlines() == ["label bee", "predicted ant, 75.6 %", f'bee/"{2 * EACH - 1}", <x>.png']
    red, green, blue, _ = colour_of(page, ".tip canvas")
    assert green > 150 > 100 > max(red, blue)
    page.mouse.move(5, 5)
    assert tip(page) == ""


def test_legend_filters_and_colours_switch(page: "Page") -> None:
    """A class is hidden, alone, and back; the other ways of colouring have groups of their own."""
    everything = painted(page)
    page.click("#legend label >> nth=0")
    assert count_line(page) == "16 of 24 shown"
    assert painted(page) < everything
    page.locator(".stage canvas").first.hover(position=place(page, 0))
    assert tip(page) == ""
    page.click("#legend button >> nth=2")
    assert count_line(page) == "8 of 24 shown"
    page.click("#all")
    assert count_line(page) == "24 shown"
    assert painted(page) == everything
    page.select_option("#colour", "correct")
    assert page.locator("#legend label").all_inner_texts() == ["right\n23", "wrong\n1"]
    page.click("#legend button >> nth=1")
    assert [row["prediction"] for row in saved(page)] == ["ant"]
    page.click("#all")
    page.select_option("#colour", "confidence")
    assert page.locator("#legend label").count() == 5
    page.select_option("#colour", "prediction")
    assert page.locator("#legend em").all_inner_texts() == ["9", "7", "8"]


def test_search_by_file(page: "Page") -> None:
    """What does not match goes; Enter walks through what does."""
    page.fill("#search", "BEE/")
    assert count_line(page) == "8 of 24 shown"
    page.press("#search", "Enter")
    assert "label bee" in tip(page)
    first = tip(page)
    page.press("#search", "Enter")
    assert "label bee" in tip(page)
    assert tip(page) != first
    page.fill("#search", "")
    assert count_line(page) == "24 shown"


def test_lasso_selects_and_saves(page: "Page") -> None:
    """The loop's points, and no hidden ones, in a file that reads back; their thumbnails stand below."""
    page.click("#lasso")
    lasso(page, EACH)
    assert count_line(page).startswith("8 selected")
    assert page.locator("#picked canvas").count() == 8
    rows = saved(page)
    assert [row["file"] for row in rows] == [f'bee/"{i}", <x>.png' for i in range(EACH, 2 * EACH)]
    assert list(rows[0]) == ["file", "label", "prediction", "confidence"]
    assert {row["label"] for row in rows} == {"bee"}
    assert float(rows[-1]["confidence"]) == pytest.approx(0.7565, abs=1e-4)
    page.locator(".stage canvas").first.click(position={"x": 5, "y": 5})
    assert count_line(page) == "24 shown"
    page.click("#legend button >> nth=0")
    lasso(page, EACH)
    assert count_line(page) == "8 of 24 shown"


def test_zoom_and_move(page: "Page") -> None:
    """The wheel zooms at the pointer, dragging moves, a double click goes back."""
    canvas, at = page.locator(".stage canvas").first, place(page, 0)
    canvas.hover(position=at)
    page.mouse.wheel(0, -600)
    page.wait_for_timeout(60)
    page.mouse.move(3, 3)
    canvas.hover(position=at)
    assert "label ant" in tip(page)  # the pointer's own point stays under it
    canvas.dblclick(position={"x": 200, "y": 5})
    page.wait_for_timeout(60)
    canvas.drag_to(canvas, source_position={"x": 300, "y": 300}, target_position={"x": 360, "y": 340})
    page.wait_for_timeout(60)
    canvas.hover(position={"x": at["x"] + 60, "y": at["y"] + 40})
    assert "label ant" in tip(page)


def test_keyboard_reaches_points(page: "Page") -> None:
    """Arrows go from point to point, Enter selects, Escape clears."""
    page.locator(".stage canvas").first.focus()
    page.keyboard.press("ArrowUp")
    first = tip(page)
    assert first.startswith("label ")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert tip(page) != first
    page.keyboard.press("Enter")
    assert count_line(page) == "1 selected, 24 shown"
    page.keyboard.press("Escape")
    assert (count_line(page), tip(page)) == ("24 shown", "")


def test_two_maps_share_selection(page: "Page") -> None:
    """Side by side, the second shows the next map, which is deep and turns; a lasso in one selects in both."""
    page.check("#both")
    page.wait_for_timeout(100)
    assert page.locator(".view select").evaluate_all("all => all.map(s => s.selectedOptions[0].text)") == [
        "t-SNE",
        "PCA",
    ]
    second = page.locator(".stage").nth(1).locator("canvas").first
    pixels = "c => c.toDataURL()"
    before = second.evaluate(pixels)
    page.keyboard.down("Shift")
    lasso(page, 0)
    page.keyboard.up("Shift")
    page.wait_for_timeout(60)
    assert count_line(page).startswith("8 selected")
    assert (faded := second.evaluate(pixels)) != before
    second.drag_to(second, source_position={"x": 200, "y": 300}, target_position={"x": 300, "y": 340})
    page.wait_for_timeout(60)
    assert second.evaluate(pixels) != faded
    page.uncheck("#both")
    assert page.locator(".view").count() == 1


def test_tap_on_a_phone_in_the_dark(page: "Page") -> None:
    """A tap shows the tooltip inside the stage, nothing is wider than the screen, dark ground gets lighter points."""
    light = page.locator("#legend i").first.evaluate("dot => dot.style.background")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(100)
    page.locator(".stage canvas").first.click(position=place(page, EACH))
    assert "label bee" in tip(page)
    shown, stage = (page.locator(name).first.bounding_box() for name in (".tip", ".stage"))
    assert shown is not None
    assert stage is not None
    assert shown["x"] >= stage["x"]
    assert shown["x"] + shown["width"] <= stage["x"] + stage["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    dark = page.locator("#legend i").first.evaluate("dot => dot.style.background")
    assert dark != light
