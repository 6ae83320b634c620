"""The errors that a person can mend: what they say and how the program ends."""

import pytest

from imgclf import errors
from imgclf.errors import ImageError, ImgclfError, MissingExtraError, StoppedError, UsageError, suggest

ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, ImgclfError)]


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_errors_derive_from_nothing_that_changes_their_text(error: type[ImgclfError]) -> None:
    """A KeyError, say, would show its message in quotes."""
    assert not issubclass(error, LookupError | OSError)
    assert error.__doc__


def test_missing_extra_says_how_to_install_it() -> None:
    """The sentence holds the command."""
    error = MissingExtraError("The page", "ui")
    assert str(error) == "The page needs the extra 'ui'. Install it with: pip install 'imgclf[ui]'"
    assert error.extra == "ui"


def test_image_error_begins_with_the_file() -> None:
    """The file's name comes first, then what is wrong with it."""
    error = ImageError("a.png", "is empty (0 bytes)")
    assert str(error) == "a.png: is empty (0 bytes)"
    assert (error.file, error.reason, error.kind) == ("a.png", "is empty (0 bytes)", "damaged")


def test_exit_codes() -> None:
    """1 for what failed, 2 for wrong usage, 128 + n for a signal."""
    assert ImgclfError("x").exit_code == 1
    assert UsageError("x").exit_code == 2
    assert StoppedError("x", signal_number=2).exit_code == 130


def test_suggestion_is_the_nearest_or_nothing() -> None:
    """A far-fetched guess would mislead."""
    assert suggest("fashon_mnist", ["mnist", "fashion_mnist"]) == " Did you mean 'fashion_mnist'?"
    assert suggest("zebra", ["mnist"]) == ""
