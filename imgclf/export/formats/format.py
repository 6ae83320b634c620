"""What an export format is: how its files are written, beside how they are opened."""

from typing import Literal, Protocol, runtime_checkable

from imgclf.export.job import Exported, ExportJob
from imgclf.inference import ExportedFormat
from imgclf.plugins import ExtensionPoint

Option = Literal["int8", "fp16", "bake-preprocessing"]


@runtime_checkable
class Format(ExportedFormat, Protocol):
    """A format to export to: one file with an ending, or a folder (then ``open`` says what to open in it)."""

    @property
    def options(self) -> frozenset[Option]:
        """The flags of ``imgclf export`` that mean something here."""
        ...

    def write(self, job: ExportJob) -> Exported:
        """Do an export, and keep it only if it predicts like the model: see :func:`write_checked`.

        Raises:
            MissingExtraError: a library is not installed.
            ModelError: the network cannot be expressed, or the check fails; the report says by how much.
        """
        ...


EXPORTS = ExtensionPoint(
    "imgclf.exports",
    "export format",
    Format,  # type: ignore[type-abstract]  # it is only asked whether a plugin is one
    "`name`, `title`, `ending`, `options`, `write(job)` and `open(file, device)`",
)
