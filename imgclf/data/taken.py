"""What was taken for what when a dataset was opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from imgclf.words import counted


@dataclass(frozen=True)
class Taken:
    """What was taken for what when a dataset was opened.

    Attributes:
        format: the format's name.
        image: where the images come from ("column 'path'").
        label: likewise.
        split: likewise; empty where nothing says it.
        group: likewise.
        rows: images of all splits that are used.
        left_out: reason -> images that are not used.
    """

    format: str
    image: str
    label: str
    split: str = ""
    group: str = ""
    rows: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def sentence(self) -> str:
        """Return one line for a person."""
        parts = [
            f"image: {self.image}",
            f"label: {self.label}",
            f"split: {self.split or 'none, all is train'}",
        ]
        if self.group:
            parts.append(f"group: {self.group}")
        gone = ", ".join(f"{number:,} {reason}" for reason, number in self.left_out.items())
        return f"Read as {self.format}: {'; '.join(parts)}; {counted(self.rows, 'image')}" + (
            f", left out {gone}." if gone else "."
        )
