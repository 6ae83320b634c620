"""The program around the commands: exit codes, error lines, versions, completion."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

import imgclf
from imgclf.cli import render
from imgclf.errors import ConfigError, StoppedError

RunCli = Callable[..., object]


def _make_recipes_raise(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let ``imgclf recipes`` meet an error."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(render, "table", fail)


def test_version_is_the_packages(run_cli: RunCli) -> None:
    """--version prints one line to stdout."""
    result = run_cli("--version")
    assert (result.code, result.out, result.err) == (0, f"imgclf {imgclf.__version__}\n", "")


def test_no_arguments_show_help(run_cli: RunCli) -> None:
    """A person who types only the name learns what there is."""
    result = run_cli()
    assert result.code == 2
    assert "Commands:" in result.out + result.err


def test_threads_do_not_spin_for_long(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine spinning threads slow training down many times; a person's own setting stays."""
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    run_cli("--version")
    assert os.environ["GOMP_SPINCOUNT"] == "1000"
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    run_cli("--version")
    assert os.environ["GOMP_SPINCOUNT"] == "7"


def test_mistyped_command_suggests_the_nearest(run_cli: RunCli) -> None:
    """The message names the command that was meant."""
    result = run_cli("doctro")
    assert result.code == 2
    assert result.err.endswith("Error: No such command 'doctro'. Did you mean 'doctor'?\n")


def test_mistyped_option_suggests_the_nearest(run_cli: RunCli) -> None:
    """The message names the option that was meant."""
    result = run_cli("recipes", "--jsn")
    assert result.code == 2
    assert result.err.endswith("Error: No such option: --jsn (Possible options: --json)\n")


def test_known_error_is_one_line_and_exit_1(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user can mend shows no traceback."""
    _make_recipes_raise(monkeypatch, ConfigError("mine.toml: not valid."))
    result = run_cli("recipes")
    assert (result.code, result.out, result.err) == (1, "", "Error: mine.toml: not valid.\n")


def test_stop_by_signal_gives_the_signals_exit_code(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM is 143."""
    _make_recipes_raise(monkeypatch, StoppedError("Stopped; saved.", signal_number=15))
    assert run_cli("recipes").code == 143


def test_interrupt_is_exit_130(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C leaves no traceback."""
    _make_recipes_raise(monkeypatch, KeyboardInterrupt())
    result = run_cli("recipes")
    assert result.code == 130
    assert "Traceback" not in result.err


def test_unforeseen_error_shows_traceback_and_where_to_take_it(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect of ours keeps its traceback and asks for a report."""
    _make_recipes_raise(monkeypatch, RuntimeError("odd"))
    result = run_cli("recipes")
    assert result.code == 1
    assert "Traceback (most recent call last)" in result.err
    assert result.err.endswith(
        "RuntimeError: odd\nError: This is a defect of imgclf. Report it with the lines above and the output of: "
        "imgclf doctor\n"
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_reader_that_goes_away_is_exit_141_without_a_word(unbuffered: str) -> None:
    """`imgclf ... | head -1` ends quietly, with a shell's exit code for SIGPIPE."""
    script = f"{sys.executable} -m imgclf recipes show resnet9-cifar10 | true; echo ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    ended = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("141\n", "")


def test_bash_completion_knows_the_commands() -> None:
    """What `--install-completion` installs asks the program, which answers with its commands."""
    environment = {
        **os.environ,
        "_IMGCLF_COMPLETE": "complete_bash",
        "COMP_WORDS": "imgclf rec",
        "COMP_CWORD": "1",
    }
    script = "import sys; from imgclf.cli.main import main; sys.exit(main([]))"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stdout.split() == ["recipes"]


def test_the_module_runs_as_a_program() -> None:
    """`python -m imgclf` is the same program."""
    ended = subprocess.run(
        [sys.executable, "-m", "imgclf", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == f"imgclf {imgclf.__version__}\n"
