"""Sizes, formats and colour statistics of the readable images."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from imgclf.eda.measuring.survey import Survey


@dataclass(frozen=True)
class PixelFacts:
    """What the images of a dataset are like.

    Attributes:
        widths: smallest, median, largest width in pixels; likewise ``heights`` and ``aspects`` (width / height).
        sizes: "WIDTH×HEIGHT" -> images, the five commonest.
        modes: Pillow's colour mode before conversion -> images.
        formats: format by content -> images; empty for bare pixels.
        grey: images whose pixels are all grey, whatever the mode.
        bytes_total: size of all images; ``bytes_median`` of one.
        mean: per channel in [0, 1], over `train`, each image counting alike.
        std: likewise.
    """

    widths: tuple[int, int, int]
    heights: tuple[int, int, int]
    aspects: tuple[float, float, float]
    sizes: Mapping[str, int]
    modes: Mapping[str, int]
    formats: Mapping[str, int]
    grey: int
    bytes_total: int
    bytes_median: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def one_size(self) -> bool:
        """Whether all images have one size."""
        return self.widths[0] == self.widths[2] and self.heights[0] == self.heights[2]

    def paste(self) -> str:
        """Return the mean and standard deviation as two lines of Python or TOML."""
        return "\n".join(
            f"{name} = [{', '.join(f'{value:.4f}' for value in values)}]"
            for name, values in (("mean", self.mean), ("std", self.std))
        )


def pixel_facts(survey: Survey) -> PixelFacts | None:
    """Summarise the readable images; None where there is none."""
    facts = survey.facts[survey.readable]
    if not len(facts):
        return None
    sizes = Counter(zip(facts["width"].tolist(), facts["height"].tolist(), strict=True))
    mean, std = channel_statistics(survey)
    return PixelFacts(
        widths=_spread(facts["width"]),
        heights=_spread(facts["height"]),
        aspects=_ratio_spread(facts["width"] / facts["height"]),
        sizes={f"{width}×{height}": count for (width, height), count in sizes.most_common(5)},
        modes=dict(Counter(facts["mode"].tolist()).most_common()),
        formats=dict(Counter(facts["format"][facts["format"] != ""].tolist()).most_common()),
        grey=int(facts["grey"].sum()),
        bytes_total=int(facts["bytes"].sum()),
        bytes_median=int(np.median(facts["bytes"])),
        mean=mean,
        std=std,
    )


def channel_statistics(survey: Survey) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return mean and standard deviation per channel in [0, 1], over `train` where there is one."""
    chosen = survey.readable & (survey.splits == next(iter(survey.dataset.splits)))
    facts = survey.facts[chosen if chosen.any() else survey.readable]
    mean = facts["mean"].mean(axis=0)
    std = np.sqrt(np.maximum(facts["mean_square"].mean(axis=0) - mean**2, 0))
    return _three(mean), _three(std)


def _three(values: np.ndarray) -> tuple[float, float, float]:
    first, second, third = (round(float(value), 6) for value in values)
    return first, second, third


def _spread(values: np.ndarray) -> tuple[int, int, int]:
    return int(values.min()), int(np.median(values)), int(values.max())


def _ratio_spread(values: np.ndarray) -> tuple[float, float, float]:
    return _three(np.array([values.min(), np.median(values), values.max()]))
