"""From what a person asks to the exporter that does it: which model, which images, where to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imgclf.errors import UsageError
from imgclf.export.checked import Exported
from imgclf.export.docker import export_docker
from imgclf.export.onnx_export import export_onnx
from imgclf.export.parity import Precision
from imgclf.export.real_images import real_pixels
from imgclf.export.space import export_space
from imgclf.export.torch_export import export_torch
from imgclf.inference import Predictor
from imgclf.runs import Run, latest_run, open_run

_IMAGES = {"fp32": 32, "fp16": 32, "int8": 256}


@dataclass(frozen=True)
class Request:
    """One export.

    Attributes:
        kind: what to make.
        run: run directory, its name, or a model file; None takes the newest finished run.
        target: the file, or for docker and space the folder; None is inside the run.
        overwrite: whether an earlier export may be replaced.
        baked: normalise inside the ONNX file.
        precision: of the ONNX file.
        tolerance: the difference of a probability that passes; None takes the precision's own.
        images: what to check with; empty takes the run's examples or its dataset.
        data_dir: where downloaded datasets live.
    """

    kind: Literal["onnx", "torch", "docker", "space"]
    run: str | None = None
    target: Path | None = None
    overwrite: bool = False
    baked: bool = False
    precision: Precision = "fp32"
    tolerance: float | None = None
    images: tuple[str, ...] = ()
    data_dir: Path | None = None


def export_model(request: Request, say: Callable[[str], None] = lambda _: None) -> Exported:
    """Do an export.

    Args:
        request: what is asked.
        say: is told which model is taken and what is being done.

    Raises:
        ImgclfError: see :func:`export_onnx` and :func:`export_torch`.
        UsageError: the flags do not fit the kind, or the target exists.
    """
    file, run = _model(request.run, say)
    target = _target(request, file)
    model = Predictor.open(file, device="cpu")
    pixels = real_pixels(model, run, request.images, request.data_dir, _IMAGES[request.precision])
    say(f"Exporting {model.header.arch} and checking it on {len(pixels)} real images")
    if request.kind == "torch":
        return export_torch(model, target, pixels, tolerance=request.tolerance)
    if request.kind == "space":
        return export_space(model, run, pixels, target, request.tolerance)
    onnx = export_onnx(
        model,
        target if request.kind == "onnx" else target / "model.onnx",
        pixels,
        precision=request.precision,
        baked=request.baked,
        tolerance=request.tolerance,
    )
    return export_docker(model, onnx, target) if request.kind == "docker" else onnx


def _model(given: str | None, say: Callable[[str], None]) -> tuple[Path, Run | None]:
    if given is not None and Path(given).is_file() and Path(given).name != "model.safetensors":
        return Path(given), None
    run = latest_run() if given is None else open_run(given)
    if given is None:
        say(f"Model: the newest finished run, {run.path}")
    return run.model_file, run


def _target(request: Request, file: Path) -> Path:
    endings = {"onnx": ".onnx", "torch": ".pt2"}
    ending = endings.get(request.kind)
    if request.kind in ("torch", "space") and (request.precision != "fp32" or request.baked):
        raise UsageError(
            "--int8, --fp16 and --bake-preprocessing are for ONNX: imgclf export onnx, or docker"
        )
    suffix = "" if request.precision == "fp32" else f"-{request.precision}"
    target = request.target or file.parent / "export" / f"model{suffix}{ending}"
    if ending and target.suffix != ending:
        raise UsageError(f"The output '{target}' must end in {ending}.")
    taken = target.exists() if ending else target.is_dir() and any(target.iterdir())
    if (taken or (not ending and target.is_file())) and not request.overwrite:
        raise UsageError(f"'{target}' exists already. Name another place, or replace it with --overwrite.")
    return target
