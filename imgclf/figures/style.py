"""One look for every picture: white ground, quiet axes, colours that colour-blind readers can tell apart.

A picture is eight inches wide and saved at 150 dots an inch, so that its text is readable when a page shows it
800 pixels wide. Figures are plain objects: no pyplot, no global current figure, no display needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from imgclf.atomic import write_atomically
from imgclf.figures.fonts import families

WIDTH = 8.0
DPI = 150

# Okabe and Ito, "Color Universal Design" (2008), darkest first so that thin lines stay visible.
BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, GREY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#AA4499",
    "#E69F00",
    "#56B4E9",
    "#6B7280",
)
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY, "#332288", "#882255", "#999933", GREY)

INK = "#1F2933"
FAINT = "#D5DAE1"

_RC: dict[str, Any] = {
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ECEFF3",
    "grid.linewidth": 0.8,
    "xtick.color": "#4B5563",
    "ytick.color": "#4B5563",
    "text.color": INK,
    "lines.linewidth": 1.9,
    "lines.markersize": 4.0,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    # A dataset may name a class "$5 note": a dollar sign is a dollar sign.
    "text.parse_math": False,
}


@contextmanager
def picture(path: Path, *, width: float = WIDTH, height: float = 4.5) -> Iterator[Figure]:
    """Give an empty figure in the common look and save it as PNG when the block ends without an error.

    Args:
        path: where to; missing parent folders are made.
        width: inches, at 150 dots each.
        height: inches.
    """
    fonts = {"font.family": list(families())}
    with rc_context(cast(Any, {**_RC, **fonts})):  # matplotlib types its 300 keys as literals
        figure = Figure(figsize=(width, height), dpi=DPI)
        FigureCanvasAgg(figure)
        yield figure
        content = BytesIO()
        # Without the version stamp the same data gives the same bytes.
        figure.savefig(content, format="png", metadata={"Software": None})
    write_atomically(path, lambda file: file.write(content.getvalue()))


def shorten(text: str, limit: int = 22) -> str:
    """Cut a long name in the middle, where class names of one family differ least at the ends.

    >>> shorten("cat")
    'cat'
    >>> shorten("Cypripedium calceolus var. parviflorum", 20)
    'Cypripediu…rviflorum'
    """
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"
