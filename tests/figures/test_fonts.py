"""Class names in every script: by their letters where a font has them, by number where none has."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from imgclf.figures import confusion_figure, fonts, legend, names_in_figures

CHINESE, ARABIC = "\u732b", "\u0642\u0637\u0629"


@pytest.fixture
def only_own_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with the font that matplotlib brings, and no other."""
    monkeypatch.setattr(fonts, "families", lambda: (fonts.DEFAULT,))
    monkeypatch.setattr(fonts, "_characters", fonts._characters.__wrapped__)


@pytest.mark.usefixtures("only_own_font")
def test_names_without_letters_are_numbered(tmp_path: Path) -> None:
    """Where no font has the letters, the figure has numbers, without a warning, and the page tells which."""
    names = ("cat", CHINESE, ARABIC, "\u041a\u043e\u0442")
    assert names_in_figures(names) == ("cat", "class 2", ARABIC, "\u041a\u043e\u0442")
    assert legend(names) == (
        f"No font on this machine has the letters of some names. In the figures, class 2 is {CHINESE}."
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        confusion_figure(np.eye(4, dtype=int), names_in_figures(names), tmp_path / "confusion.png")


def test_latin_names_need_no_legend() -> None:
    """Nothing is said where every name can be shown."""
    assert legend(("cat", "ni\u00f1o", "\u0394")) == ""
    assert fonts.families()[0] == "DejaVu Sans"


def test_every_family_that_is_named_is_there() -> None:
    """Matplotlib finds each font; a missing one would be announced for every letter."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text in ("cat", CHINESE, ARABIC):
            file = fonts.font_file(text)
            assert ImageFont.truetype(file, 12)
            letters = fonts._characters_of(file)
            assert fonts.can_show(text) == all(ord(letter) in letters for letter in text)
