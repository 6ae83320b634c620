"""The input that weights were trained with, told by timm's cfg or by a model file's header."""

from collections.abc import Sequence

from timm.models import PretrainedCfg

from imgclf.models.classifier import InputSpec
from imgclf.records import Preprocessing

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")


def input_spec_of_cfg(cfg: PretrainedCfg, channels: int) -> InputSpec:
    """Read timm's pretrained cfg.

    Args:
        cfg: of the weights in use.
        channels: of the network. For grey, timm sums the first layer's weights over the colours; the mean of the
            colours' means and deviations goes with that.
    """
    return InputSpec(
        image_size=(cfg.input_size[1], cfg.input_size[2]),
        mean=_per_channel(cfg.mean, channels),
        std=_per_channel(cfg.std, channels),
        crop_fraction=cfg.crop_pct,
        interpolation=cfg.interpolation if cfg.interpolation in _INTERPOLATIONS else "bilinear",
    )


def input_spec_of_header(preprocessing: Preprocessing, channels: int) -> InputSpec:
    """Read the preprocessing that a model file of ours was trained with."""
    return InputSpec(
        image_size=preprocessing.image_size,
        mean=_per_channel(preprocessing.mean, channels),
        std=_per_channel(preprocessing.std, channels),
        crop_fraction=preprocessing.crop_fraction,
        interpolation=preprocessing.interpolation,
    )


def _per_channel(values: Sequence[float], channels: int) -> tuple[float, ...]:
    if len(values) == channels:
        return tuple(float(value) for value in values)
    return (round(sum(values) / len(values), 4),) * channels
