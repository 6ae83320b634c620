"""A sentence that a person should read; see ``imgclf.inference.notes``."""

from imgclf.inference.notes import Note

__all__ = ["Note"]
