"""Rows of small pictures with a name before each row, for the page: sharp on a phone, calm in the dark."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from markupsafe import Markup
from PIL import Image

from imgclf.reports import data_uri

STRIPS_STYLE = """
.strip { display: grid; grid-template-columns: 8.5em 1fr; gap: 4px 14px; align-items: center; margin: 6px 0; }
.strip b { text-align: right; overflow-wrap: anywhere; font-size: 0.92rem; font-weight: 600; }
.strip div { display: grid; grid-template-columns: repeat(var(--n), minmax(0, 120px)); gap: 4px; }
.strip img { width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 4px; background: #8882; }
.strip img.small { image-rendering: pixelated; }
@media (max-width: 560px) {
  .strip { grid-template-columns: 1fr; margin: 12px 0; }
  .strip b { text-align: left; }
  .strip div { grid-template-columns: repeat(min(var(--n), 4), 1fr); }
}
"""
"""The page's head needs this."""

_SMALL = 64  # up to this side a picture stays exact and is enlarged with hard edges


def strips_html(rows: Mapping[str, Sequence[np.ndarray]]) -> Markup:
    """Return a row of pictures for each name.

    Args:
        rows: name -> images, uint8 (H, W, 3) each; sizes may differ, rows may be of different lengths.
    """
    columns = max((len(images) for images in rows.values()), default=1)
    one = Markup('<div class="strip" style="--n:{}"><b>{}</b><div>{}</div></div>')
    return Markup("").join(
        one.format(columns, name, Markup("").join(_picture(image, name) for image in images))
        for name, images in rows.items()
    )


def _picture(pixels: np.ndarray, name: str) -> Markup:
    content = BytesIO()
    small = max(pixels.shape[:2]) <= _SMALL
    image = Image.fromarray(pixels)
    if small:
        image.save(content, "PNG")
    else:
        image.save(content, "JPEG", quality=85)
    return Markup('<img class="{}" loading="lazy" src="{}" alt="{}">').format(
        "small" if small else "photo", data_uri(content.getvalue()), name
    )
