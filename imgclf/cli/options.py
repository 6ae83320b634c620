"""Options that several commands share, so that one word means one thing everywhere."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from imgclf.cli import render
from imgclf.cli.flags import OptionGroup, setting

# The headings under which help groups the options; every command draws from these.
INPUT = "Input"
DATA = "Data"
MODEL = "Model"
TRAINING = "Training"
HARDWARE = "Hardware"
OUTPUT = "Output"

DataOption: TypeAlias = Annotated[str | None, setting("data.dataset")]
DataDirOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where downloaded datasets live; by default a folder in the user's cache.",
        rich_help_panel=DATA,
    ),
]
SplitOption: TypeAlias = Annotated[
    Literal["train", "val", "test"],
    typer.Option("--split", help="Which part of the dataset.", rich_help_panel=DATA),
]
DeviceOption: TypeAlias = Annotated[Literal["auto", "cpu", "cuda", "mps"], setting("hardware.device")]
RecipeOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--recipe", metavar="NAME", help="A published recipe or a TOML file.", rich_help_panel=TRAINING
    ),
]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other setting, as --set head.hidden=256; may be repeated.",
        rich_help_panel=TRAINING,
    ),
]
RuntimeOption: TypeAlias = Annotated[
    Literal["auto", "onnx", "torch"],
    typer.Option(
        "--runtime",
        help="What computes a run on a CPU; auto takes the faster of ONNX Runtime and PyTorch.",
        rich_help_panel=HARDWARE,
    ),
]
OutOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Folder to write to; by default inside the run.", rich_help_panel=OUTPUT
    ),
]
QuietOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="Say nothing but results, warnings and errors.",
        rich_help_panel=OUTPUT,
        callback=render.set_quiet,
    ),
]
VerboseOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Say more, and show where an error came from.",
        rich_help_panel=OUTPUT,
        callback=render.set_verbose,
    ),
]


class Said(OptionGroup):
    """How a command speaks; the last two act on :mod:`imgclf.cli.render` as soon as they are read."""

    json: Annotated[
        bool,
        typer.Option("--json", help="Write JSON to stdout, for a program to read.", rich_help_panel=OUTPUT),
    ] = False
    quiet: QuietOption = False
    verbose: VerboseOption = False
