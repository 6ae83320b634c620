"""Files that exports copy, with ``@WORDS@`` to fill in."""

from importlib.resources import files


def filled(name: str, **words: str) -> str:
    """Return a template's text with each ``@WORD@`` replaced."""
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text
