"""Explain images of a real run: files, records, errors, memory."""

import csv
import gc
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.errors import ModelError, RunError, UsageError
from imgclf.explain import METHODS, Explainer, Options, Subject, explain, explanations, resolve
from imgclf.explain.subjects import as_subjects
from imgclf.records import UnreadableImage
from imgclf.runs import Run


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _rows(index: Path) -> list[dict[str, str]]:
    with index.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_files_and_records(explainer: Explainer, shapes: Path):
    """For each image a panel, an overlay of its own size, the raw map, and rows in the index and the page."""
    circle, square = shapes / "test/circle/00.png", shapes / "test/square/01.png"
    with Image.open(square) as image:
        image.resize((50, 80)).save("tall.png")
    report = explain([circle, "tall.png"], explainer.predictor, out=Path("out"))
    assert [image.file for image in report.images] == [str(circle), "tall.png"]
    assert [image.true_label for image in report.images] == ["circle", None]
    assert not report.unreadable
    for image, size in zip(report.images, ((32, 32), (50, 80)), strict=True):
        (one,) = image.maps
        assert image.label in explainer.predictor.class_names
        assert one.target == image.label
        assert one.target_confidence == pytest.approx(image.confidence)
        assert _size(one.overlay) == size
        raw = np.load(one.map)
        assert raw.dtype == np.float32
        assert raw.shape == explainer.layer().grid
        assert raw.max() == pytest.approx(one.highest)
        assert image.panel is not None
        assert _size(image.panel)[0] > 800
    rows = _rows(report.index)
    assert [row["file"] for row in rows] == [str(circle), "tall.png"]
    assert all((Path("out") / row[each]).is_file() for row in rows for each in ("panel", "overlay", "map"))
    page = report.page.read_text(encoding="utf-8")
    assert "tall.png" in page
    assert page.count("data:image/") >= 4
    assert report.to_dict()["images"][1]["maps"][0]["method"] == "gradcam"


def test_several_methods_layers_and_targets(explainer: Explainer, shapes: Path):
    """Each combination is a map with files of its own; a layer named twice comes once."""
    options = Options(
        methods=("gradcam", "eigencam", "fullgrad"),
        layers=("auto", -3, "-3"),
        target="top-2",
        colormap="magma",
    )
    report = explain(shapes / "test/circle/00.png", explainer.predictor, options=options, out=Path("out"))
    (image,) = report.images
    assert len(image.maps) == 2 * (2 + 2 + 1)
    assert len({one.overlay for one in image.maps}) == 10
    assert {one.layer_index for one in image.maps} >= {explainer.layer(-3).index, None}
    assert len({one.target for one in image.maps}) == 2


def test_unreadable_images_have_a_row(explainer: Explainer, shapes: Path):
    """Neighbours are explained all the same."""
    Path("bad.png").write_bytes(b"no image")
    sources = ["bad.png", shapes / "test/circle/00.png", UnreadableImage("gone.gif", "is no image")]
    report = explain(sources, explainer.predictor, out=Path("out"))
    assert [image.error for image in report.unreadable] == [
        "is a text file; JPEG, PNG, WebP, BMP, TIFF and GIF are read",
        "is no image",
    ]
    assert report.images[1].maps
    rows = _rows(report.index)
    assert [row["error"] != "" for row in rows] == [True, False, True]
    assert "Not explained (2)" in report.page.read_text(encoding="utf-8")


def test_true_class(explainer: Explainer, shapes: Path):
    """From the folder or a subject; without one the image has an error that says what to do."""
    pixels = np.zeros((32, 32, 3), dtype=np.uint8)
    sources = [
        shapes / "test/circle/00.png",
        Subject(pixels, "a", "square"),
        pixels,
        Subject(pixels, "b", "house"),
    ]
    report = explain(sources, explainer.predictor, options=Options(target="true"), out=Path("out"))
    assert [[one.target for one in image.maps] for image in report.images] == [["circle"], ["square"], [], []]
    assert report.images[2].error == (
        "has no true class to explain; nobody says what it shows: put it into a folder named after its class, or "
        "choose another --target"
    )
    assert report.images[3].error == (
        "has no true class to explain; its label 'house' is none of the model's classes"
    )


def test_the_map_follows_the_shape(explainer: Explainer):
    """A red circle left is explained further left than the same circle right."""
    centres = []
    for left in (2, 18):
        pixels = np.full((32, 32, 3), 200, dtype=np.uint8)
        pixels[10:22, left : left + 12] = (60, 180, 80)
        layer = explainer.layer("auto")
        raw = explainer.maps(pixels[None], [1], METHODS.load("hirescam"), layer)[0]
        centres.append((raw.sum(0) * np.arange(raw.shape[1])).sum() / raw.sum())
    assert centres[0] < centres[1]


def test_default_folder_is_new_and_in_the_run(shapes_run_copy: Run, shapes: Path):
    """Two calls in one second do not meet."""
    images = [shapes / "test/circle/00.png"]
    first, second = (explain(images, shapes_run_copy.path, options=Options(device="cpu")) for _ in range(2))
    assert first.folder.parent == second.folder.parent == shapes_run_copy.path / "explain"
    assert first.folder != second.folder


def test_the_predictor_s_network_is_never_touched(explainer: Explainer, shapes: Path):
    """Maps are computed on a twin that shares the weights, so serving may go on meanwhile."""
    theirs = explainer.predictor.backend.classifier  # type: ignore[attr-defined]
    ours = explainer._classifier
    assert ours is not theirs
    assert all(a is b for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    assert {id(module) for module in ours.modules()}.isdisjoint(map(id, theirs.modules()))


def test_memory_does_not_grow(explainer: Explainer):
    """Five hundred images leave nothing behind."""
    question = resolve(explainer, Options())
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)

    def run(count: int) -> int:
        for _ in explanations(explainer, as_subjects((pixels for _ in range(count)), ()), question):
            pass
        gc.collect()
        return _resident()

    run(50)
    before = run(50)
    assert run(500) - before < 15_000_000


def _resident() -> int:
    """Return the bytes of memory in use."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("Only Linux tells the memory in use so simply.")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_what_cannot_be_explained_says_so(explainer: Explainer, shapes: Path):
    """Each mistake has its sentence."""
    image = shapes / "test/circle/00.png"
    predictor = explainer.predictor
    with pytest.raises(UsageError, match=r"^There is no image to explain\.$"):
        explain([], predictor, out=Path("out"))
    with pytest.raises(
        UsageError, match=r"^The opacity must be from 0 \(only the image\) to 1 \(only the map\), got 2\.$"
    ):
        explain(image, predictor, options=Options(opacity=2))
    with pytest.raises(
        UsageError,
        match=r"^Unknown colormap 'turboo'\. Did you mean 'turbo'\? Any of matplotlib's will do, such as: turbo, ",
    ):
        explain(image, predictor, options=Options(colormap="turboo"))
    with pytest.raises(ModelError, match=r"feature layers: expected an index from -\d+ to \d+, got 999\.$"):
        explain(image, predictor, options=Options(layers=(999,)))
    Path("file").touch()
    with pytest.raises(
        RunError,
        match=r"^file/out: the folder could not be made \(.+\)\. Choose another place with --out\.$",
    ):
        explain(image, predictor, out=Path("file/out"))


def test_an_onnx_file_cannot_be_explained(explainer: Explainer):
    """It has no layers and no gradients; the sentence names what has."""
    from imgclf.inference import Predictor

    class Other:
        name, device = "onnx", "cpu"

        def limit_threads(self, count):
            """Compute as before."""

    given = Predictor(Path("model.onnx"), explainer.predictor.header, Other())  # type: ignore[arg-type]
    with pytest.raises(
        UsageError,
        match=r"^model\.onnx: an exported model shows no layers and no gradients\. Explain the run it was exported "
        r"from, or its model\.safetensors\.$",
    ):
        Explainer(given)


def test_the_network_is_looked_through_once(explainer: Explainer):
    """Several layers, the list of all of them and ``auto`` cost one pass, and methods are found once."""
    fresh, passes = Explainer(explainer.predictor), []
    hook = fresh._classifier.network.register_forward_pre_hook(lambda *_: passes.append(1))
    first = next(fresh._classifier.network.children())
    inner = first.register_forward_hook(lambda *_: passes.append(1))
    wanted = resolve(fresh, Options(layers=(-3, -1, "auto")))
    assert len(fresh.layers()) > len(wanted.layers) >= 2
    assert fresh.methods(("gradcam",)) is fresh.methods(("gradcam",))
    assert len(passes) == 1
    hook.remove()
    inner.remove()
