"""Exported files to predict with: the format that has a file's ending opens it.

Formats are plugins of the group ``imgclf.exports``, ours included; how one is written is :mod:`imgclf.export`'s matter.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from imgclf.errors import PluginError, RunError
from imgclf.inference.backend import Backend
from imgclf.plugins import ExtensionPoint
from imgclf.records import MODEL_FILE_FORMAT, ModelHeader
from imgclf.runs import checked_header, format_version

HEADER_KEY = "imgclf"
"""Where a file that can hold metadata keeps the model's header as JSON."""


class ExportedBackend(Backend, Protocol):
    """Computes from an exported file, which says itself what it is."""

    @property
    def header(self) -> ModelHeader:
        """Class names, preprocessing and the rest of what the run's model file says."""
        ...


@runtime_checkable
class ExportedFormat(Protocol):
    """A format of exported files; its module is imported to look for an ending, so it imports nothing heavy."""

    @property
    def name(self) -> str:
        """What ``imgclf export`` takes."""
        ...

    @property
    def title(self) -> str:
        """The name as its makers write it."""
        ...

    @property
    def ending(self) -> str:
        """The ending of its files, with the dot and in small letters; empty for a folder."""
        ...

    def open(self, file: Path, device: str) -> ExportedBackend:
        """Open a file to predict with.

        Args:
            file: with this format's ending.
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

        Raises:
            MissingExtraError: a library is not installed.
            RunError: the file is missing, broken, not ours or from a newer version.
            UsageError: it cannot be computed here, or not on this device.
        """
        ...


_FORMATS = ExtensionPoint(
    "imgclf.exports",
    "export format",
    ExportedFormat,  # type: ignore[type-abstract]  # it is only asked whether a plugin is one
    "`name`, `title`, `ending` and `open(file, device)`",
)


def format_of(file: Path) -> ExportedFormat | None:
    """Return the format that has a file's ending; None for a run, a model file or anything else.

    Raises:
        PluginError: two formats have this ending.
    """
    ending = file.suffix.lower()
    if ending in ("", ".safetensors") or file.is_dir():
        return None
    formats, _ = _FORMATS.every()
    found = [each for each in formats.values() if each.ending == ending]
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise PluginError(
            f"The ending '{ending}' belongs to {len(found)} installed export formats: {names}. Uninstall all but one "
            f"of their packages."
        )
    return found[0] if found else None


def parse_header(file: Path, title: str, text: str | None, added: Sequence[str] = ()) -> ModelHeader:
    """Read the header that an exported file holds.

    Args:
        file: for messages.
        title: of its format, for messages.
        text: JSON; None where the file holds none.
        added: names of values that the format adds to the header's.

    Raises:
        RunError: there is none, it is damaged, or from a newer version.
    """
    if text is None:
        raise RunError(
            f"{file}: a file of the format {title} without imgclf's header (class names and preprocessing). "
            f"Use one made by: imgclf export"
        )
    try:
        version = format_version(text)
        if version > MODEL_FILE_FORMAT:
            raise RunError(
                f"{file}: exported by a newer imgclf (file format {version}, this version reads up to "
                f"{MODEL_FILE_FORMAT}). Update with: pip install --upgrade imgclf"
            )
        return checked_header(text, tuple(added))
    except json.JSONDecodeError:
        raise RunError(f"{file}: its imgclf header is damaged; export the model again.") from None
    except ValueError as error:
        raise RunError(f"{file}: its imgclf header is damaged ({error}); export the model again.") from None
