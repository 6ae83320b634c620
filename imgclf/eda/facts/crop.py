"""What the evaluation crop would cut off, image by image."""

from dataclasses import dataclass

import numpy as np

from imgclf.data import shown_share
from imgclf.eda.facts.pixels import channel_statistics
from imgclf.eda.measuring.survey import Survey
from imgclf.recipes import Config, auto
from imgclf.records import Preprocessing


@dataclass(frozen=True)
class CropFacts:
    """How much of each image the model will see.

    Attributes:
        spec: the preprocessing that was assumed.
        kept: float (N,), the share of each image's area inside the crop; NaN where it cannot be read.
        verdict: one sentence.
        harmless: whether it needs no attention.
    """

    spec: Preprocessing
    kept: np.ndarray
    verdict: str
    harmless: bool

    @property
    def median(self) -> float:
        """The median share that is kept."""
        return float(np.nanmedian(self.kept))

    def most_cut(self, count: int) -> list[int]:
        """Return the rows that lose most, worst first; images that lose the same come in the dataset's order."""
        order = np.argsort(np.where(np.isnan(self.kept), 2, self.kept), kind="stable")
        return [int(row) for row in order[:count] if self.kept[row] < 1]


def crop_facts(survey: Survey, config: Config | None = None) -> CropFacts | None:
    """Work out the crop for every image.

    Args:
        survey: what was measured.
        config: a recipe's; what it leaves to `auto` is taken as a network without pretrained weights would have it.

    Returns:
        None where no image is readable.
    """
    if not survey.readable.any():
        return None
    spec = _spec(survey, config or Config())
    sizes, place = np.unique(survey.facts[["height", "width"]], return_inverse=True)
    shares = np.array([shown_share((int(size["height"]), int(size["width"])), spec) for size in sizes])
    kept = np.where(survey.readable, shares[place], np.nan)
    verdict, harmless = _verdict(kept, spec)
    return CropFacts(spec, kept, verdict, harmless)


def _spec(survey: Survey, config: Config) -> Preprocessing:
    image = config.image
    facts = survey.facts[survey.readable]
    own = (int(np.median(facts["height"])), int(np.median(facts["width"])))
    size = auto.size_from_scratch(own) if image.size == "auto" else image.size
    mean, std = (
        values if image.channels != 1 else (sum(values) / len(values),)
        for values in channel_statistics(survey)
    )
    fraction = image.crop_fraction
    return Preprocessing(
        image_size=(size, size) if isinstance(size, int) else size,
        mean=mean,
        std=std,
        resize_mode=image.resize_mode,
        crop_fraction=auto.crop_fraction(None) if fraction == "auto" else fraction,
        interpolation=auto.interpolation(None) if image.interpolation == "auto" else image.interpolation,
    )


def _verdict(kept: np.ndarray, spec: Preprocessing) -> tuple[str, bool]:
    size = f"{spec.image_size[1]} × {spec.image_size[0]} pixels"
    median, worst = float(np.nanmedian(kept)), float(np.nanmin(kept))
    if worst > 0.995:
        return f"Nothing is cut off: at {size} ({spec.resize_mode}) the model sees whole images.", True
    how = f"the crop at {size} with fraction {spec.crop_fraction:g} shows {median:.0%} of the median image's area"
    few = float(np.mean(kept[~np.isnan(kept)] < 0.5))
    if median > 0.995 and few < 0.01:
        return f"Most images stay whole: {how}, and {worst:.0%} of the worst one.", True
    if median >= 0.7 and few < 0.01:
        return f"Only the border is cut off: {how}, and {worst:.0%} of the worst one.", True
    return (
        f"Much is cut off: {how}, {worst:.0%} of the worst one, and less than half of {few:.0%} of the images. "
        f"To see whole images: --set image.resize_mode=pad (or squash).",
        False,
    )
