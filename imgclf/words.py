"""Numbers, durations and errors as a sentence says them."""

import re


def percent(share: float, digits: int = 1, undefined: str = "–") -> str:
    """Return a share as a percentage.

    >>> percent(0.9312), percent(0.9312, 2), percent(float("nan"))
    ('93.1%', '93.12%', '–')
    """
    return undefined if share != share else f"{100 * share:.{digits}f}%"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return how many there are of a thing.

    >>> counted(1, "image"), counted(2400, "image"), counted(2, "process", "processes")
    ('1 image', '2,400 images', '2 processes')
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def duration(seconds: float) -> str:
    """Return seconds as a person says them.

    >>> duration(4.26), duration(200), duration(7_500)
    ('4.3 s', '3 min 20 s', '2 h 5 min')
    """
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def first_line(error: Exception) -> str:
    r"""Return the first line of what a library said, without a full stop at its end, to stand inside a sentence.

    An error of the operating system gives its reason alone, without its number and file; what Python says of
    encodings and of arguments is said in our words.

    >>> first_line(ValueError("no such layer.\nTraceback ...")), first_line(KeyError())
    ('no such layer', 'KeyError')
    >>> first_line(FileNotFoundError(2, "No such file or directory", "a.jpg"))
    'No such file or directory'
    >>> first_line(TypeError("SGD.__init__() got an unexpected keyword argument 'speed'"))
    "it has no 'speed'"
    """
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8 text"
    said = getattr(error, "strerror", None) or str(error)
    for pattern, ours in _PYTHONS_WORDS.items():
        if found := re.search(pattern, said):
            return found.expand(ours)
    lines = said.strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


# Python's and a library's own way to say a thing -> ours, as the rest of a sentence.
_PYTHONS_WORDS = {
    r"unexpected keyword argument '(\w+)'": r"it has no '\1'",
    r"missing \d+ required (?:positional|keyword-only) arguments?: (.*)": r"\1 is missing",
    r"Error while deserializing header": "it is no whole safetensors file",
    r"\[Errno -?\d+\] ([^:>]*)": r"\1",
}
