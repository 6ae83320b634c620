"""From what a person asks to the format that does it: which model, which images, where to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imgclf.errors import UsageError
from imgclf.export.formats import EXPORTS, Format, Option
from imgclf.export.job import Exported, ExportJob
from imgclf.export.parity import Precision
from imgclf.export.real_images import real_images
from imgclf.inference import Predictor
from imgclf.runs import Run, latest_run, open_run

_IMAGES = {"fp32": 32, "fp16": 32, "int8": 256}


@dataclass(frozen=True)
class Request:
    """One export.

    Attributes:
        kind: name of the format.
        run: run directory, its name, or a model file; None takes the newest finished run.
        folder: what a format that is a folder is written to.
        output: what a format that is a file is written to; None is inside the run.
        overwrite: whether an earlier export may be replaced.
        baked: normalise inside the file.
        precision: of the file.
        tolerance: the difference of a probability that passes; None takes the precision's own.
        images: what to check with; empty takes the run's examples or its dataset.
        data_dir: where downloaded datasets live.
    """

    kind: str
    run: str | None = None
    folder: Path | None = None
    output: Path | None = None
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
        ImgclfError: see :meth:`Format.write`.
        UsageError: there is no such format, the flags do not fit it, or the target exists.
    """
    kind = EXPORTS.load(request.kind)
    _check_options(kind, request)
    _check_place(kind, request)
    file, run = _model(request.run, say)
    target = _target(kind, request, file)
    model = Predictor.open(file, device="cpu", runtime="torch")
    images = real_images(model, run, request.images, request.data_dir, _IMAGES[request.precision])
    say(f"Exporting {model.header.arch} and checking it on {len(images.pixels)} real images")
    return kind.write(
        ExportJob(
            model,
            target,
            images.pixels,
            run,
            images.labels,
            precision=request.precision,
            baked=request.baked,
            tolerance=request.tolerance,
            overwrite=request.overwrite,
        )
    )


def _check_options(kind: Format, request: Request) -> None:
    given: list[Option] = [] if request.precision == "fp32" else [request.precision]
    given += ["bake-preprocessing"] if request.baked else []
    for option in given:
        if option not in kind.options:
            formats, _ = EXPORTS.every()
            takers = [name for name, each in formats.items() if option in each.options]
            raise UsageError(
                f"'imgclf export {kind.name}' has no --{option}. These have: {', '.join(takers)}."
            )


def _check_place(kind: Format, request: Request) -> None:
    command = f"imgclf export {kind.name}"
    if kind.ending and request.folder is not None:
        raise UsageError(f"'{command}' writes a file: {command} --output FILE")
    if not kind.ending and request.output is not None:
        raise UsageError(f"'{command}' writes a folder: {command} DIR")
    if not kind.ending and request.folder is None:
        raise UsageError(f"'{command}' needs the folder to write to: {command} DIR")


def _model(given: str | None, say: Callable[[str], None]) -> tuple[Path, Run | None]:
    if given is not None and Path(given).is_file() and Path(given).name != "model.safetensors":
        return Path(given), None
    run = latest_run() if given is None else open_run(given)
    if given is None:
        say(f"Model: the newest finished run, {run.path}")
    return run.model_file, run


def _target(kind: Format, request: Request, file: Path) -> Path:
    suffix = "" if request.precision == "fp32" else f"-{request.precision}"
    inside = file.parent / "export" / f"model{suffix}{kind.ending}"
    target = request.folder or request.output or inside
    if kind.ending and target.suffix != kind.ending:
        raise UsageError(f"The output '{target}' must end in {kind.ending}.")
    taken = target.exists() and (not target.is_dir() or bool(kind.ending) or any(target.iterdir()))
    if taken and not request.overwrite:
        raise UsageError(f"'{target}' exists already. Name another place, or replace it with --overwrite.")
    return target
