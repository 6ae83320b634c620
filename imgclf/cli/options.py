"""Options that several commands share, so that one word means one thing everywhere."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from imgclf.cli import render

# The headings under which help groups the options; every command draws from these.
INPUT = "Input"
DATA = "Data"
MODEL = "Model"
TRAINING = "Training"
HARDWARE = "Hardware"
OUTPUT = "Output"

RunOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="RUN",
        help="Run directory, its name inside runs/, or a model file; by default the newest finished run.",
        rich_help_panel=INPUT,
    ),
]
DataOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="Dataset name (see imgclf datasets), folder, manifest, shards or hf:OWNER/NAME.",
        rich_help_panel=DATA,
    ),
]
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
DeviceOption: TypeAlias = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option(
        "--device", help="Where to compute; auto takes the fastest there is.", rich_help_panel=HARDWARE
    ),
]
OutOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Folder to write to; by default inside the run.", rich_help_panel=OUTPUT
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write JSON to stdout, for a program to read.", rich_help_panel=OUTPUT)
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
