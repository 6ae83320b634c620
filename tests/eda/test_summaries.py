"""Counts, sizes and statistics, the crop, and samples."""

import numpy as np
import pytest

from imgclf.eda.facts.counts import count_classes
from imgclf.eda.facts.crop import crop_facts
from imgclf.eda.facts.pixels import pixel_facts
from imgclf.eda.measuring.survey import survey
from imgclf.eda.page.samples import MAX_CLASSES, pixels, sample_rows
from imgclf.recipes.config import Config
from tests.eda.pictures import dataset, photo

SMALL = photo(0, 8, 8)


@pytest.mark.parametrize(
    ("labels", "verdict", "balanced"),
    [
        ([0] * 3 + [1] * 3, "Balanced: every class has 3 images in train.", True),
        ([0] * 5 + [1] * 4, "Balanced: from 4 ('b') to 5 ('a') images a class in train, 1.2 to 1.", True),
        (
            [0] * 4 + [1] * 2,
            "Slightly imbalanced: from 2 ('b') to 4 ('a') images a class in train, 2.0 to 1. "
            "Accuracy alone is still a fair measure.",
            True,
        ),
        (
            [0] * 8 + [1] * 2,
            "Imbalanced: from 2 ('b') to 8 ('a') images a class in train, 4.0 to 1. Always answering 'a' would be "
            "right 80% of the time: choose by macro F1 (--set training.monitor=val_macro_f1) and try "
            "--set data.balance=weights.",
            False,
        ),
        ([0] * 3, "The class 'b' has no readable image in train.", False),
    ],
)
def test_verdict_on_balance(labels, verdict, balanced):
    """The verdict is one plain sentence with the numbers."""
    counts = count_classes(survey(dataset([SMALL] * len(labels), labels=labels)))
    assert (counts.verdict, counts.balanced) == (verdict, balanced)


def test_strong_imbalance_is_called_so():
    """More than ten to one is strong."""
    counts = count_classes(survey(dataset([SMALL] * 12, labels=[0] * 11 + [1])))
    assert counts.verdict.startswith("Strongly imbalanced: from 1 ('b') to 11 ('a')")


def test_unreadable_images_are_not_counted():
    """Counts are of what training can use."""
    counts = count_classes(survey(dataset([SMALL, SMALL, b"rubbish text"], labels=[0, 1, 1])))
    assert counts.per_split == {"train": {"a": 1, "b": 1}}
    assert count_classes(survey(dataset([b"rubbish text"]))).verdict == "There is no readable image in train."


def test_split_with_other_shares_is_noted():
    """A class that is commoner in test than in train is named."""
    counts = count_classes(survey(dataset([SMALL] * 4, [SMALL] * 4, [0, 0, 1, 1, 0, 0, 0, 1])))
    assert counts.notes == ("'a' is 50% of train but 75% of test.",)


def test_pixel_facts_of_mixed_sizes():
    """Sizes, modes and bytes are summarised; grey content is counted."""
    grey = photo(2, 40, 20)[:, :, 0]
    facts = pixel_facts(survey(dataset([photo(0, 30, 30), photo(1, 30, 30), grey])))
    assert facts.widths == (30, 30, 40)
    assert facts.heights == (20, 30, 30)
    assert facts.aspects == (1.0, 1.0, 2.0)
    assert facts.sizes == {"30×30": 2, "40×20": 1}
    assert facts.modes == {"RGB": 2, "L": 1}
    assert (facts.grey, facts.one_size, facts.bytes_total) == (1, False, 2 * 2700 + 800)


def test_mean_and_std_are_of_the_training_pixels():
    """Statistics of equally large training images equal NumPy's over all of their pixels; test is left out."""
    train = [photo(0, 30, 30), photo(1, 30, 30)]
    facts = pixel_facts(survey(dataset(train, [photo(2, 30, 30)])))
    values = np.stack(train).reshape(-1, 3) / 255
    assert facts.mean == pytest.approx(values.mean(axis=0), abs=1e-6)
    assert facts.std == pytest.approx(values.std(axis=0), abs=1e-6)
    first, second = facts.paste().splitlines()
    assert first == f"mean = [{', '.join(f'{value:.4f}' for value in facts.mean)}]"
    assert second.startswith("std = [")


def test_nothing_readable_has_no_pixel_facts():
    """Without a readable image there is nothing to summarise."""
    seen = survey(dataset([b"rubbish text"]))
    assert pixel_facts(seen) is None
    assert crop_facts(seen) is None


def test_crop_of_square_images_cuts_the_border():
    """The usual crop (of timm) of a square image keeps 0.875 squared of its area; a network from scratch sees all of it."""
    seen = survey(dataset([photo(0, 300, 300)] * 2))
    assert crop_facts(seen).median == 1.0
    crop = crop_facts(seen, Config.model_validate({"image": {"crop_fraction": 0.875}}))
    assert crop.median == pytest.approx(0.875**2, abs=0.01)
    assert crop.verdict == (
        "Only the border is cut off: the crop at 224 × 224 pixels with fraction 0.875 shows 77% of the median image's "
        "area, and 77% of the worst one."
    )


def test_crop_of_long_images_cuts_much():
    """Long images lose most, the longest first, and the verdict names the remedy."""
    square = Config.model_validate({"image": {"size": 224}})
    images = [photo(0, 300, 100), photo(1, 100, 100), photo(2, 400, 100)]
    crop = crop_facts(survey(dataset(images)), square)
    assert crop.most_cut(2) == [2, 0]
    assert not crop.harmless
    assert crop.verdict.endswith("To see whole images: --set image.resize_mode=pad (or squash).")


def test_pad_and_small_images_cut_nothing():
    """A recipe that pads shows whole images; so does the default on small ones."""
    pad = Config.model_validate({"image": {"resize_mode": "pad", "size": 100}})
    whole = crop_facts(survey(dataset([photo(0, 300, 100)] * 2)), pad)
    assert whole.verdict == "Nothing is cut off: at 100 × 100 pixels (pad) the model sees whole images."
    assert crop_facts(survey(dataset([SMALL, SMALL]))).most_cut(5) == []


def test_samples_are_seeded_and_of_their_class():
    """The same seed draws the same images, another seed others."""
    seen = survey(dataset([photo(seed, 16, 16) for seed in range(20)]))
    rows = sample_rows(seen, per_class=3, seed=1)
    assert rows == sample_rows(seen, per_class=3, seed=1) != sample_rows(seen, per_class=3, seed=2)
    assert {name: {seen.label(row) for row in drawn} for name, drawn in rows.items()} == {
        "a": {"a"},
        "b": {"b"},
    }
    assert len(rows) <= MAX_CLASSES


def test_shown_pixels_are_small_and_skip_the_unreadable():
    """A large image is shrunk for showing; one that cannot be read is None."""
    seen = survey(dataset([photo(0, 500, 250), b"rubbish text"]))
    assert pixels(seen, 0).shape == (80, 160, 3)
    assert pixels(seen, 1) is None


def test_crop_of_mostly_square_images_leaves_most_whole():
    """Without a border to cut, only the few that are not square lose something."""
    whole = Config.model_validate({"image": {"size": 70, "crop_fraction": 1.0}})
    images = [photo(0, 70, 70), photo(1, 70, 70), photo(2, 100, 70)]
    assert crop_facts(survey(dataset(images)), whole).verdict == (
        "Most images stay whole: the crop at 70 × 70 pixels with fraction 1 shows 100% of the median image's area, "
        "and 70% of the worst one."
    )
