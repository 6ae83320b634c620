"""``imgclf export torch``: the network as a ``torch.export`` program (.pt2), without imgclf or timm to run it."""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from imgclf.atomic import write_atomically
from imgclf.data import normalize
from imgclf.errors import ModelError, RunError, UsageError
from imgclf.export.checked import write_checked
from imgclf.export.formats.format import Option
from imgclf.export.job import Exported, ExportJob
from imgclf.inference import HEADER_KEY, parse_header
from imgclf.records import ModelHeader
from imgclf.words import first_line

if TYPE_CHECKING:
    from imgclf.models import FeatureLayer

_EXTRA = f"{HEADER_KEY}.json"


@final
class TorchProgram:
    """One ``.pt2`` file.

    Load it with ``torch.export.load(file).module()``; it maps normalised images, float32 (N, C, H, W), to logits
    (N, K), embeddings (N, D) and the outputs of layers. The model file's header is in its extra file
    ``imgclf.json``, with ``layers`` to say how to read their outputs.
    """

    name = "torch"
    title = "torch.export"
    ending = ".pt2"
    options: frozenset[Option] = frozenset()

    def write(self, job: ExportJob) -> Exported:
        """Export a program of logits and embeddings; see :func:`write_program`."""
        return write_program(job)

    def open(self, file: Path, device: str) -> "ProgramBackend":
        """Open a program with PyTorch; it needs neither timm nor our networks."""
        return ProgramBackend(file, device)


def write_program(job: ExportJob, layers: Sequence[str] = ()) -> Exported:
    """Write a ``.pt2`` file and check it on real images.

    Args:
        job: what to export.
        layers: names of layers whose outputs are outputs of the program, so that Grad-CAM can be computed.

    Returns:
        The files: the program and the report.

    Raises:
        ModelError: torch cannot capture this network, or the check fails.
    """
    report, report_file = write_checked(TorchProgram(), job, lambda file: _write(file, job, layers))
    return Exported((job.target, report_file), report)


def _write(file: Path, job: ExportJob, layers: Sequence[str]) -> None:
    import torch  # noqa: PLC0415 - it takes seconds

    from imgclf.export.graph import captured, torch_classifier  # noqa: PLC0415
    from imgclf.models import Trace  # noqa: PLC0415

    header, classifier = job.header, torch_classifier(job.model)
    trace = Trace.of(classifier, header.preprocessing.image_size) if layers else None
    shown = [trace.choose(name) for name in layers] if trace else []
    try:
        program = captured(classifier, header.preprocessing, layers=shown)
    except Exception as error:  # The exporter raises whatever the network's code runs into.
        raise ModelError(
            f"The network '{header.arch}' cannot be captured by torch.export: {first_line(error).rstrip('.')}."
        ) from error
    described = {**header.to_dict(), "layers": [_described(layer) for layer in shown]}
    # Into memory first: where the disk is full, torch's own writer ends the whole program (2.14).
    content = BytesIO()
    torch.export.save(program, content, extra_files={_EXTRA: json.dumps(described)})
    write_atomically(file, lambda stream: stream.write(content.getbuffer()))


def _described(layer: "FeatureLayer") -> dict[str, Any]:
    return {
        "name": layer.name,
        "layout": layer.layout,
        "grid": list(layer.grid),
        "prefix_tokens": layer.prefix_tokens,
    }


@final
class ProgramBackend:
    """A ``torch.export`` program, computed on the CPU that it was captured on.

    Args:
        file: a ``.pt2`` file that imgclf exported.
        device: ``auto`` or ``cpu``.

    Raises:
        RunError: the file is missing, broken, not ours or from a newer version.
        UsageError: another device was asked for.
    """

    name = "torch.export"
    device = "cpu"

    def __init__(self, file: Path, device: str) -> None:
        import torch  # noqa: PLC0415 - it takes seconds

        if device not in ("auto", "cpu"):
            raise UsageError(
                f"{file}: a torch.export program of imgclf computes on the CPU, not on '{device}'."
            )
        if not file.is_file():
            raise RunError(f"There is no model file '{file}'.")
        extra = {_EXTRA: ""}
        try:
            program: torch.export.ExportedProgram = torch.export.load(file, extra_files=extra)
        except Exception as error:  # Whatever a broken archive makes torch raise.
            raise RunError(f"{file}: not a readable torch.export program ({first_line(error)}).") from None
        self._header = parse_header(file, TorchProgram.title, extra[_EXTRA] or None, added=["layers"])
        self._network: Any = program.module()

    @property
    def header(self) -> ModelHeader:
        """The model's header, as the file holds it."""
        return self._header

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return logits, float32 (N, K), for preprocessed pixels, uint8 (N, H, W, C)."""
        return self._compute(batch, 0)

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Return pooled penultimate features, float32 (N, D), for uint8 (N, H, W, C)."""
        return self._compute(batch, 1)

    def limit_threads(self, count: int | None) -> None:
        """Let the calling thread compute with ``count`` threads; see :class:`TorchBackend`."""
        import torch  # noqa: PLC0415 - it is there already

        torch.set_num_threads(torch.get_num_threads() if count is None else count)

    def _compute(self, batch: np.ndarray, output: int) -> np.ndarray:
        import torch  # noqa: PLC0415 - it is there already

        with torch.inference_mode():
            images = torch.from_numpy(normalize(batch, self._header.preprocessing))
            result: np.ndarray = self._network(images)[output].float().numpy()
        return result
