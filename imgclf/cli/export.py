"""``imgclf export``: take a model away, as a file or as something that runs elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgclf.cli import render
from imgclf.cli.chosen import RunOption, run_or_newest
from imgclf.cli.flags import OptionGroup
from imgclf.cli.options import DATA, OUTPUT, DataDirOption, Said
from imgclf.errors import UsageError

if TYPE_CHECKING:
    from imgclf.export import Exported, Precision


class Target(OptionGroup):
    """Where the export goes."""

    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR", help="Folder to write to, for docker, space and others that are folders."
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File to write to, with the format's ending (.onnx, .xml, .pt2); by default inside the run.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export.", rich_help_panel=OUTPUT)
    ] = False


class Precisely(OptionGroup):
    """How exactly the file computes, and how near it must come."""

    bake_preprocessing: Annotated[
        bool,
        typer.Option(
            "--bake-preprocessing",
            help="Normalise inside an ONNX or OpenVINO file: its input is uint8 (N, H, W, C).",
            rich_help_panel="Precision",
        ),
    ] = False
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="Quantise an ONNX file to 8 bits: smaller, faster on CPU.",
            rich_help_panel="Precision",
        ),
    ] = False
    fp16: Annotated[
        bool,
        typer.Option(
            "--fp16",
            help="Half precision, of an ONNX or OpenVINO file: half the size.",
            rich_help_panel="Precision",
        ),
    ] = False
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="DIFFERENCE",
            min=0,
            help="Largest difference of a probability between the export and the run; by default 1e-4, with "
            "--fp16 0.05. With --int8 the average image's largest, by default 0.1.",
            rich_help_panel="Precision",
        ),
    ] = None


class Checked(OptionGroup):
    """The images that an export is checked with."""

    images: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Real images to check with (and to calibrate --int8): a file, folder or pattern; may be "
            "repeated. By default those of the run's dataset, or the examples that the run keeps.",
            rich_help_panel=DATA,
        ),
    ] = None
    data_dir: DataDirOption = None


def export(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="onnx, openvino, torch (a torch.export program), docker or space (a Hugging Face Space); installed packages may "
            "bring more (a wrong name lists them).",
        ),
    ],
    target: Target,
    run: RunOption = None,
    *,
    precisely: Precisely,
    checked: Checked,
    said: Said,
) -> None:
    """Take a model away as a file, a container or a Space.

    Every export is checked against PyTorch on real images before it is kept.

    Example: imgclf export onnx --output flowers.onnx
    """
    from imgclf.export import Request, export_model

    request = Request(
        kind=kind,
        run=run_or_newest(run),
        folder=target.folder,
        output=target.output,
        overwrite=target.overwrite,
        baked=precisely.bake_preprocessing,
        precision=_precision(precisely.int8, precisely.fp16),
        tolerance=precisely.tolerance,
        images=tuple(checked.images or ()),
        data_dir=checked.data_dir,
    )
    exported = export_model(request, render.message)
    _show(exported, said.json)


def _precision(int8: bool, fp16: bool) -> "Precision":
    if int8 and fp16:
        raise UsageError("--int8 and --fp16 are two precisions: give one of them.")
    return "int8" if int8 else "fp16" if fp16 else "fp32"


def _show(exported: "Exported", as_json: bool) -> None:
    if as_json:
        render.json_data({"files": list(exported.files), "parity": exported.report.to_dict()})
        return
    from imgclf.inference import format_of

    render.message(f"It predicts like the run: {exported.report}.")
    render.files(exported.files)
    if format_of(exported.files[0]):
        render.next_command(f"imgclf predict IMAGES --model-file {exported.files[0]}")
