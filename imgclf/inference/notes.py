"""A sentence that a person should read, with how serious it is."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Note:
    """A sentence, and its tone: ``plain``, ``good``, ``warn`` or ``bad``."""

    tone: Literal["plain", "good", "warn", "bad"]
    text: str
