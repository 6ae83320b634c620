"""The drawing of the packages: one band for each layer, and the one way in which imports run."""

from xml.sax.saxutils import escape

from pages.contracts import layers

_WIDTH, _BAND, _GAP, _LEFT = 760, 44, 14, 40
_FONT = "font-family='DejaVu Sans Mono, Menlo, monospace' font-size='13'"


def drawing() -> str:
    """Return the SVG."""
    bands = layers()
    height = len(bands) * (_BAND + _GAP) + _GAP
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' width='{_WIDTH}' {_FONT}>",
        "<title>The packages of imgclf: imports run downwards only</title>",
        f"<rect width='{_WIDTH}' height='{height}' rx='8' fill='#ffffff'/>",
        *_arrow(height),
    ]
    for index, names in enumerate(bands):
        parts += _band(names, _GAP + index * (_BAND + _GAP))
    return "\n".join([*parts, "</svg>", ""])


def _arrow(height: int) -> list[str]:
    """The direction of imports, on the left."""
    end = height - _GAP
    return [
        f"<path d='M20 {_GAP} V{end}' stroke='#7a8794' stroke-width='2' fill='none'/>",
        f"<path d='M14 {end - 9} L20 {end} L26 {end - 9}' stroke='#7a8794' stroke-width='2' fill='none'/>",
    ]


def _band(names: list[str], top: int) -> list[str]:
    """One layer: its packages side by side, as wide as the band allows."""
    room = _WIDTH - _LEFT - _GAP
    width = (room - _GAP * (len(names) - 1)) / len(names)
    parts = []
    for index, name in enumerate(names):
        left = _LEFT + index * (width + _GAP)
        parts.append(
            f"<rect x='{left:.1f}' y='{top}' width='{width:.1f}' height='{_BAND}' rx='6' "
            "fill='#eaf2fb' stroke='#2f6fb0'/>"
        )
        middle = f"x='{left + width / 2:.1f}' y='{top + _BAND / 2 + 5:.0f}'"
        parts.append(f"<text {middle} text-anchor='middle' fill='#1c2b3a'>{escape(name)}</text>")
    return parts
