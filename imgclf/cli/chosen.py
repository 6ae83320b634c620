"""Which run or model file a command is about: the one that was named, else the newest finished run, which is said."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from imgclf.cli import render
from imgclf.cli.flags import OptionGroup
from imgclf.cli.options import INPUT
from imgclf.errors import UsageError

if TYPE_CHECKING:
    from imgclf.runs import Run

RunOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="RUN",
        help="Run directory, its name inside runs/, or a model file; by default the newest finished run.",
        rich_help_panel=INPUT,
    ),
]


class ModelChoice(OptionGroup):
    """The options of a command that needs a model and no more of its run."""

    run: RunOption = None
    model_file: Annotated[
        Path | None,
        typer.Option(
            "--model-file",
            metavar="FILE",
            help="A model file instead of a run: .safetensors, or an exported .onnx (then without torch).",
            rich_help_panel=INPUT,
        ),
    ] = None

    def place(self) -> str | Path:
        """Return the run or the file.

        Raises:
            UsageError: both are named.
            RunError: neither is, and no run is finished.
        """
        if self.run is not None and self.model_file is not None:
            raise UsageError("--run and --model-file both name a model: give one of them.")
        return self.model_file or run_or_newest(self.run)


def run_or_newest(given: str | None) -> str:
    """Return the run or model file that was named, else the newest finished run.

    Raises:
        RunError: none is finished.
    """
    return str(newest().path) if given is None else given


def newest() -> "Run":
    """Return the newest finished run, and say which it is.

    Raises:
        RunError: none is finished.
    """
    from imgclf.runs import latest_run

    run = latest_run()
    render.message(f"The newest finished run: {run.path}")
    return run
