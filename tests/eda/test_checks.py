"""The health checks find what was planted, and nothing else."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from imgclf.data import Dataset
from imgclf.eda.checks.findings import CHECK_NAMES, Check
from imgclf.eda.checks.run import run_checks
from imgclf.eda.measuring.survey import survey
from imgclf.errors import DataError
from tests.eda.pictures import dataset, photo

CLEAN = [photo(seed) for seed in range(12)]


def checks(opened: Dataset, **more: int) -> dict[str, Check]:
    """Every check by name."""
    return {check.name: check for check in run_checks(survey(opened), **more)}


def found(opened: Dataset) -> dict[str, list[tuple[int, ...]]]:
    """Rows of the checks that found something."""
    return {
        name: [finding.rows for finding in check.findings]
        for name, check in checks(opened).items()
        if check.findings
    }


def test_checks_come_in_their_fixed_order():
    """The order is that of CHECK_NAMES, which the report relies on."""
    assert tuple(checks(dataset(CLEAN))) == CHECK_NAMES


def test_clean_dataset_has_no_findings():
    """Different sharp pictures raise nothing."""
    assert found(dataset(CLEAN)) == {}


def test_exact_duplicate_within_a_split():
    """Equal pixels in one split and class are a duplicate and nothing more."""
    assert found(dataset([*CLEAN, CLEAN[0]])) == {"duplicates": [(0, 12)]}


def test_leak_and_label_conflict():
    """Equal pixels in two splits under two labels are all three."""
    labels = [0] * 12 + [1]
    everything = found(dataset(CLEAN, [CLEAN[3]], labels))
    assert everything == {"leaks": [(3, 12)], "label-conflicts": [(3, 12)], "duplicates": [(3, 12)]}


def test_near_duplicate_is_found_and_leaks():
    """A resized, brightened copy in another split is a near-duplicate and a leak."""
    copy = ImageEnhance.Brightness(Image.fromarray(CLEAN[5]).resize((70, 70)).resize((72, 72))).enhance(1.1)
    everything = found(dataset(CLEAN, [np.asarray(copy)], [0] * 13))
    assert everything == {"leaks": [(5, 12)], "near-duplicates": [(5, 12)]}


def test_near_group_brings_exact_copies_along():
    """A near-duplicate of two equal images makes one group of three, which is listed once as a leak."""
    copy = np.asarray(ImageEnhance.Brightness(Image.fromarray(CLEAN[5])).enhance(1.1))
    everything = checks(dataset([*CLEAN, CLEAN[5]], [copy], [0] * 14))
    assert [finding.rows for finding in everything["leaks"].findings] == [(5, 12, 13)]
    assert everything["leaks"].count == 3


def test_same_layout_is_no_duplicate():
    """Pictures that share an outline, as clothes on black do, are not near-duplicates of each other."""
    outline = np.zeros((28, 28), np.uint8)
    outline[4:24, 8:20] = 1
    random = np.random.default_rng(0)
    texture = random.integers(90, 220, (400, 7, 7)).repeat(4, axis=1).repeat(4, axis=2)
    clothes = [(outline * each).astype(np.uint8) for each in texture]
    assert checks(dataset(clothes))["near-duplicates"].count <= 4


def test_tiny_images_are_not_judged_by_hash():
    """Eight-pixel digits are too small for a perceptual hash, and the check says so."""
    check = checks(dataset([image[:8, :8] for image in CLEAN]))["near-duplicates"]
    assert check.skipped == "Not judged: a perceptual hash says little of images with a side below 16 pixels."


def test_distance_out_of_range():
    """The distance is checked by the search itself."""
    with pytest.raises(DataError, match="it must be 0"):
        checks(dataset(CLEAN), max_distance=99)


def test_unreadable_with_reason():
    """A file that cannot be decoded is listed with the reader's reason."""
    check = checks(dataset([*CLEAN, b"<html>not found</html>"]))["unreadable"]
    assert check.count == 1
    assert check.findings[0].detail.startswith("is a web page")


def test_wrong_extension():
    """A PNG named .jpg is named; jpeg for jpg is no mistake."""
    from io import BytesIO

    content = BytesIO()
    Image.fromarray(CLEAN[0]).save(content, "JPEG")
    opened = dataset([content.getvalue(), *CLEAN[1:]])
    assert [finding.detail for finding in checks(opened)["wrong-extension"].findings] == [
        "holds JPEG, is named .png"
    ]


@pytest.mark.parametrize(
    ("name", "strange"),
    [
        ("dark", CLEAN[0] // 8),
        ("bright", 255 - CLEAN[0] // 32),
        ("blurry", np.asarray(Image.fromarray(CLEAN[0]).filter(ImageFilter.GaussianBlur(4)))),
        ("low-information", np.full((72, 72, 3), 120, np.uint8)),
        ("odd-size", np.tile(photo(50), (9, 9, 1))),
        ("odd-aspect", photo(50, 20, 250)),
    ],
)
def test_strange_image_is_found(name, strange):
    """Each planted image is found by its check, with a sentence."""
    check = checks(dataset([*CLEAN, strange]))[name]
    assert [finding.rows for finding in check.findings] == [(12,)]
    assert check.findings[0].detail


def test_worst_comes_first():
    """Findings are ranked: the darker of two dark images is first."""
    images = [*CLEAN, CLEAN[0] // 6, CLEAN[1] // 12]
    assert [finding.rows for finding in checks(dataset(images))["dark"].findings] == [(13,), (12,)]


def test_nature_of_a_dataset_is_no_finding():
    """Where most images are dark, dark is how this dataset is."""
    check = checks(dataset([image // 8 for image in CLEAN]))["dark"]
    assert check.count == 0
    assert check.skipped == "True of 100% of the images, so it is the nature of this dataset."


def test_blur_is_not_judged_on_small_images():
    """Where every image is small, the check says that it did not judge."""
    check = checks(dataset([image[:40, :40] for image in CLEAN]))["blurry"]
    assert check.skipped == "Not judged: every image has a side below 64 pixels."


def test_nothing_readable_still_gives_every_check():
    """A dataset of rubbish has one finding per file and no crash."""
    everything = checks(dataset([b"rubbish text", b"more rubbish text"]))
    assert everything["unreadable"].count == 2
    assert tuple(everything) == CHECK_NAMES
