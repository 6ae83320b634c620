"""The ``imgclf`` program: finds the command, runs it, turns errors into one line and an exit code."""

import errno
import os
import sys
from importlib import import_module
from typing import Annotated

import typer
from typer.main import get_command

from imgclf._version import __version__
from imgclf.cli import render
from imgclf.cli.flags import flat
from imgclf.cli.grouped_help import GroupedHelpCommand
from imgclf.cli.mistakes import tell
from imgclf.errors import ImgclfError, beneath

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# In the order in which a person uses them; each is the function of its name in the module of its name.
COMMANDS = (
    "datasets",
    "eda",
    "models",
    "recipes",
    "train",
    "evaluate",
    "review",
    "compare",
    "predict",
    "explain",
    "embed",
    "serve",
    "export",
    "tune",
    "doctor",
)


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments without the program's name; None takes them from the process.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 128 + n stopped by signal n.
    """
    arguments = sys.argv[1:] if argv is None else argv
    # GNU OpenMP's threads wait for each other in a busy loop. Where another program has one of the cores, each small
    # operation of torch then takes milliseconds; a short spin costs nothing where nothing else runs. It is read when
    # torch is imported: https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    render.start()
    try:
        code = _run(arguments)
    except render.ReaderLeftError:
        render.close_pipe()
        code = 141  # 128 + SIGPIPE, as a shell reports it
    return code


def _run(arguments: list[str]) -> int:
    try:
        code = _called(arguments)
        render.flush()
    except ImgclfError as error:
        render.failure(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except render.ReaderLeftError:
        raise
    except OSError as error:
        if error.errno not in _NO_SPACE:
            render.defect(error)
        else:
            render.failure(render.no_room(error.filename or "stdout", error))
        return 1
    except Exception as error:
        if beneath(error, KeyboardInterrupt) is not None:
            return 130  # inside a save, say: torch turns the second Ctrl-C into an error of its own
        # Whatever a command did not foresee is ours to mend: say so, with the traceback.
        render.defect(error)
        return 1
    return code


def _called(arguments: list[str]) -> int:
    try:
        # Not as a program of its own: it would say what is wrong in words of its own, and end the process.
        code = get_command(build_app(arguments))(args=arguments, prog_name="imgclf", standalone_mode=False)
    except typer.TyperException as error:
        tell(error)
        return 2
    except typer.Abort:
        return 1
    return code if isinstance(code, int) else 0


def build_app(arguments: list[str]) -> typer.Typer:
    """Build the program; when the first argument names a command, only that one is imported.

    The program's own help and completion options are left out then too: to read them Typer imports pydantic.
    """
    chosen = [name for name in arguments[:1] if name in COMMANDS]
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        add_completion=not chosen,
        add_help_option=not chosen,
    )
    app.callback()(_root)
    for name in chosen or COMMANDS:
        function = getattr(import_module(f"imgclf.cli.{name}"), name)
        app.command(name, cls=GroupedHelpCommand)(flat(function))
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        render.data(f"imgclf {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Image classification from the terminal.

    Start with 'imgclf train', which needs nothing: it trains on the embedded digits. Then follow
    the command that each command names at its end.
    """
