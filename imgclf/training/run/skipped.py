"""Tell which images were left out, each once, and list them in the run."""

from collections.abc import Iterable

from lightning_fabric import Fabric

from imgclf.records import UnreadableImage
from imgclf.runs import Run
from imgclf.training.processes.agreement import of_all
from imgclf.training.reporter import Reporter
from imgclf.words import counted

_SHOWN = 5


class SkippedImages:
    """What any process could not read so far.

    Args:
        fabric: launched.
        reporter: told of each new one, the first few by name.
        run: gets ``skipped.csv``.
    """

    def __init__(self, fabric: Fabric, reporter: Reporter, run: Run) -> None:
        self._fabric, self._reporter, self._run = fabric, reporter, run
        self._known: dict[UnreadableImage, None] = {}

    def tell(self, skipped: Iterable[UnreadableImage]) -> None:
        """Take in what this process has skipped so far; all processes must call it together."""
        found = dict.fromkeys(image for images in of_all(self._fabric, list(skipped)) for image in images)
        new = [image for image in found if image not in self._known]
        self._known.update(found)
        if not new or not self._fabric.is_global_zero:
            return
        self._run.write_csv(
            "skipped.csv", ("file", "reason"), ((image.file, image.reason) for image in self._known)
        )
        for image in new[:_SHOWN]:
            self._reporter.warning(f"Left out {image.file}: {image.reason}")
        more = f" ({len(new) - _SHOWN} more)" if len(new) > _SHOWN else ""
        files = counted(len(self._known), "unreadable file")
        self._reporter.warning(f"Left out {files}{more}; the list is in {self._run.path / 'skipped.csv'}.")
