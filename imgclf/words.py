"""Numbers, durations and errors as a sentence says them."""


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

    An error of the operating system gives its reason alone, without its number and file.

    >>> first_line(ValueError("no such layer.\nTraceback ...")), first_line(KeyError())
    ('no such layer', 'KeyError')
    >>> first_line(FileNotFoundError(2, "No such file or directory", "a.jpg"))
    'No such file or directory'
    """
    said = getattr(error, "strerror", None) or str(error)
    lines = said.strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
