"""A saliency map in colour, laid over its image, and panels of original, map and overlay."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imgclf.atomic import write_atomically
from imgclf.errors import UsageError, suggest
from imgclf.figures.fonts import font_file
from imgclf.figures.style import FAINT, INK, shorten

COLORMAP = "turbo"
OPACITY = 0.5

_VEIL = 0.6  # how much of a part that the model did not see is covered
_GREY = 160.0
_SIDE = 264  # of a picture in a panel, in pixels; three of them fill a page of 800
_GAP = 10
_LINE = 21
_SMALL = 64  # images up to this side are enlarged with hard pixel edges


def check_colormap(name: str) -> str:
    """Return the name of a colormap if matplotlib has it.

    Raises:
        UsageError: it has not.
    """
    if name not in matplotlib.colormaps:
        some = "turbo, jet, inferno, magma, viridis, hot, coolwarm"
        raise UsageError(
            f"Unknown colormap '{name}'.{suggest(name, matplotlib.colormaps)} Any of matplotlib's will do, such as: {some}."
        )
    return name


def colorize(values: np.ndarray, colormap: str = COLORMAP) -> np.ndarray:
    """Return uint8 (H, W, 3) colours for values (H, W) in [0, 1]; NaN is light grey."""
    colours = matplotlib.colormaps[colormap](np.nan_to_num(values))[..., :3]
    colours[np.isnan(values)] = 0.9
    result: np.ndarray = np.round(colours * 255).astype(np.uint8)
    return result


def overlay(
    image: np.ndarray, values: np.ndarray, colormap: str = COLORMAP, opacity: float = OPACITY
) -> np.ndarray:
    """Lay a map over its image.

    Args:
        image: uint8 (H, W, 3).
        values: float (H, W) in [0, 1]; NaN where the model saw nothing, which is veiled in grey.
        colormap: a name of matplotlib's.
        opacity: of the colours, in [0, 1].

    Returns:
        uint8 (H, W, 3).
    """
    result = np.empty_like(image)
    for top in range(0, len(image), 512):  # in strips: a photo of 50 megapixels would take gigabytes at once
        rows = slice(top, top + 512)
        seen = ~np.isnan(values[rows])[..., None]
        covered = image[rows] * (1 - opacity) + colorize(values[rows], colormap) * opacity
        veiled = image[rows] * (1 - _VEIL) + _GREY * _VEIL
        result[rows] = np.round(np.where(seen, covered, veiled))
    return result


@dataclass(frozen=True, eq=False)
class PanelMap:
    """A map in a panel.

    Attributes:
        values: float (H, W) over the original image, in [0, 1], NaN where the model saw nothing.
        lines: what stands under it.
        blank: why there is nothing to see, or an empty string.
    """

    values: np.ndarray
    lines: tuple[str, ...]
    blank: str = ""


def saliency_panel(
    path: Path,
    image: Image.Image,
    maps: Sequence[PanelMap],
    title: str,
    *,
    caption: str = "original",
    colormap: str = COLORMAP,
    opacity: float = OPACITY,
    columns: int = 4,
) -> Path:
    """Draw an image beside its map and overlay; several maps stand side by side, each above its overlay.

    Drawn with Pillow: matplotlib takes a third of a second for each, and there may be hundreds.

    Args:
        path: the PNG to write.
        image: the original, RGB.
        maps: at least one.
        title: stands above.
        caption: under the original.
        colormap: a name of matplotlib's.
        opacity: of the overlay, in [0, 1].
        columns: maps in a row.

    Returns:
        ``path``.
    """
    original = _fitted(np.asarray(image))
    tiles = [[_tile(original, (caption,))]]
    for number, one in enumerate(maps):
        values = _resized(one.values, original.shape[:2])
        coloured = _tile(colorize(values, colormap), one.lines if len(maps) == 1 else (), one.blank)
        laid = original if one.blank else overlay(original, values, colormap, opacity)
        if len(maps) == 1:
            tiles[0] += [coloured, _tile(laid, ("overlay",))]
            break
        if number and number % columns == 0:
            tiles += [[], []]
        if number % columns == 0 and len(tiles) == 1:
            tiles.append([_tile(np.full_like(original, 255), ())])
        elif number % columns == 0:
            tiles[-2].append(_tile(np.full_like(original, 255), ()))
            tiles[-1].append(_tile(np.full_like(original, 255), ()))
        tiles[-2].append(coloured)
        tiles[-1].append(_tile(laid, one.lines))
    picture = _joined(tiles, title, colormap)
    write_atomically(path, lambda file: picture.save(file, format="PNG"))
    return path


def _fitted(pixels: np.ndarray) -> np.ndarray:
    """Scale an image to the side of a tile."""
    scale = _SIDE / max(pixels.shape[:2])
    size = tuple(max(1, round(side * scale)) for side in pixels.shape[1::-1])
    small = max(pixels.shape[:2]) <= _SMALL
    resample = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize((size[0], size[1]), resample))


def _resized(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Scale a map; what was not seen stays so, with a hard edge."""
    size = (shape[1], shape[0])
    missing = Image.fromarray(np.isnan(values)).resize(size, Image.Resampling.NEAREST)
    smooth = Image.fromarray(np.nan_to_num(values).astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return np.where(np.asarray(missing), np.nan, np.asarray(smooth))


def _tile(pixels: np.ndarray, lines: Sequence[str], blank: str = "") -> Image.Image:
    """Set a picture on white with its lines under it; of a blank one, only a grey field and the reason."""
    height, width = pixels.shape[:2]
    tile = Image.new("RGB", (_SIDE, height + _LINE * len(lines) + (6 if lines else 0)), "white")
    draw = ImageDraw.Draw(tile)
    left = (_SIDE - width) // 2
    if blank:
        draw.rectangle((left, 0, left + width - 1, height - 1), fill=FAINT)
        draw.text((_SIDE // 2, height // 2), blank, fill=INK, font=_font(15, blank), anchor="mm")
    else:
        tile.paste(Image.fromarray(pixels), (left, 0))
    for number, line in enumerate(lines):
        middle = (_SIDE // 2, height + 6 + _LINE * number + _LINE // 2)
        text = shorten(line, 33)
        draw.text(middle, text, fill=INK, font=_font(14, text), anchor="mm")
    return tile


def _joined(rows: Sequence[Sequence[Image.Image]], title: str, colormap: str) -> Image.Image:
    """Set the tiles out under the title, with the colour scale below."""
    heights = [max(tile.height for tile in row) for row in rows]
    most = max(len(row) for row in rows)
    width = most * (_SIDE + _GAP) + _GAP
    top = 44 if title else _GAP
    sheet = Image.new("RGB", (width, top + sum(heights) + _GAP * len(rows) + 30), "white")
    draw = ImageDraw.Draw(sheet)
    heading = shorten(title, width // 10)
    draw.text((_GAP, 22), heading, fill=INK, font=_font(17, heading, bold=True), anchor="lm")
    for row, height in zip(rows, heights, strict=True):
        for column, tile in enumerate(row):
            sheet.paste(tile, (_GAP + column * (_SIDE + _GAP), top))
        top += height + _GAP
    ramp = np.tile(np.linspace(0, 1, 160, dtype=np.float32), (12, 1))
    sheet.paste(Image.fromarray(colorize(ramp, colormap)), (width - 160 - 70, top + 3))
    draw.text((width - 160 - 78, top + 9), "least", fill=INK, font=_font(13, "least"), anchor="rm")
    draw.text((width - 62, top + 9), "most", fill=INK, font=_font(13, "most"), anchor="lm")
    return sheet


def _font(size: int, text: str, bold: bool = False) -> Any:
    """Return a font that has the text's letters."""
    return _opened(font_file(text, bold=bold), size)


@cache
def _opened(file: Path, size: int) -> Any:
    return ImageFont.truetype(file, size)
