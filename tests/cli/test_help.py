"""Help: complete, on one screen, and quick because it imports nothing heavy."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable

import pytest
from typer.main import get_command

from imgclf.cli.main import build_app

RunCli = Callable[..., object]

COMMANDS = tuple(get_command(build_app([])).commands)

HEAVY = {
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "PIL",
    "pandas",
    "pydantic",
    "matplotlib",
    "fastapi",
    "rich.table",
}


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_help_shows_every_command_in_order_on_one_screen(run_cli: RunCli) -> None:
    """One line a command, none cut off, 24 lines or a few more in all."""
    result = run_cli("--help")
    assert result.code == 0
    lines = result.out.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    assert not [line for line in lines if line.endswith("...")]
    assert len(result.out.splitlines()) <= 32
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_summary_example_and_described_options(run_cli: RunCli, command: str) -> None:
    """Help is a sentence, one example that names the command, and a text for each option."""
    result = run_cli(command, "--help")
    assert result.code == 0, result.err
    summary = result.out.splitlines()[2].strip()
    assert summary
    assert re.search(rf"Example: imgclf {command}\b", result.out), "no line 'Example: imgclf ...'"
    assert max(map(len, result.out.splitlines())) <= 80
    parameters = get_command(build_app([command])).commands[command].params
    assert [parameter.name for parameter in parameters if not parameter.help] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_is_understood(command: str) -> None:
    """The example in a command's help names options and arguments that exist."""
    parsed = get_command(build_app([command])).commands[command]
    example = re.search(r"Example: imgclf \S+(.*)", parsed.help)
    assert example is not None
    words = shlex.split(example[1].split(" > ")[0].split(" | ")[0])
    parsed.make_context(command, words, resilient_parsing=True)


@pytest.mark.parametrize("arguments", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """`imgclf --help` must be there at once, so torch and its like stay out."""
    script = (
        "import sys; from imgclf.cli.main import main; main(sys.argv[1:]); "
        "sys.stderr.write(' '.join(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    assert HEAVY & set(ended.stderr.split()) == set()
