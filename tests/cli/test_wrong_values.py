"""A wrong value for each option of each command: an answer in our words, never in a library's."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from imgclf.cli.main import build_app

if TYPE_CHECKING:
    from imgclf.runs import Run

pytestmark = pytest.mark.slow

RunCli = Callable[..., Any]

FOREIGN = re.compile(
    r"Value error|Input should be|validation error|\[Errno|Traceback|defect of imgclf|__init__\(|codec can't"
    r"|object has no attribute|pydantic|positional argument|NoneType|deserializ|For further information"
)
COMMANDS = tuple(get_command(build_app([])).commands)
# What a call needs besides the option that is tried; nothing that takes long comes after the check.
NEEDED = {
    "eda": ["--data", "DATA", "--out", "OUT"],
    "recipes": ["show", "resnet9-cifar10"],
    "train": ["--data", "no-such-data"],
    "tune": ["--data", "no-such-data"],
    "evaluate": ["--run", "RUN", "--out", "OUT", "--data", "no-such-data"],
    "review": ["show", "--run", "RUN"],
    "compare": ["RUN", "no-such-run"],
    "predict": ["IMAGE", "--run", "RUN"],
    "explain": ["IMAGE", "--run", "RUN", "--out", "OUT"],
    "embed": ["--run", "RUN", "--out", "OUT", "--data", "no-such-data"],
    "serve": ["--run", "RUN", "--host", "192.0.2.1", "--no-auth"],
    "export": ["torch", "--run", "no-such-run"],
    "doctor": ["no-such-run", "IMAGE"],
}
WRONG = {
    "N": ["-1", "many", "1.5"],
    "K": ["-1", "1", "many"],
    "PIXELS": ["-1", "wide", "0"],
    "EPOCHS": ["-1", "many"],
    "BITS": ["-1", "99"],
    "LR": ["-1", "fast", "nan"],
    "SHARE": ["2", "-1", "half", "nan"],
    "RATE": ["2", "-1", "rare", "nan"],
    "P": ["-1", "much", "nan"],
    "MB": ["-1", "much", "nan"],
    "SECONDS": ["-1", "long", "nan"],
    "DIFFERENCE": ["-1", "much", "nan"],
    "PORT": ["-1", "99999", "web"],
    "TIME": ["soon", "-1m", "0"],
    "FILE": ["JUNK", "missing/none.csv", "FOLDER"],
    "DIR": ["JUNK/below"],
    "RUN": ["no-such-run", "JUNK", "FOLDER"],
    "SEARCH": ["no-such-search", "JUNK", "FOLDER"],
    "DATA": ["no-such-data", "JUNK", "FOLDER", "hf:", "missing/none.csv"],
    "IMAGE": ["none.png", "JUNK"],
    "NAME": ["zebra", "JUNK", ""],
    "NAMES": ["zebra", "gradcam,,zebra", ""],
    "CHECKS": ["zebra", ","],
    "LAYER": ["zebra", "99"],
    "CLASS": ["zebra", "99", "top-0"],
    "KEY=VALUE": [
        "epochs",
        "training.epochs=many",
        "optimizer.name=zebra",
        "optimizer.foo=1",
        "loss.foo=1",
        "image.size=[1]",
        "training=3",
        "augment.transforms=[{name='Zebra'}]",
        "data.dataset=3",
        "=1",
        "scheduler.foo=1",
        "head.dropout=nan",
    ],
    "PATH": ["none.png"],
    "ADDRESS": ["256.256.256.256"],
    "ORIGIN": ["x"],
    "N|auto": ["0", "many"],
}


def _calls(help_text: str) -> list[list[str]]:
    """Read the options and what they take from the help: ``-q, --quiet`` takes nothing and is left out."""
    calls = []
    for option, word in re.findall(r"^  (--[a-z-]+) (\S+)(?:  |$)", help_text, flags=re.MULTILINE):
        if word == "/":  # --this / --that
            continue
        values = ["zebra"] if "|" in word and word not in WRONG else WRONG[word]
        calls += [[option, value] for value in values]
    return calls


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_values_are_answered_in_our_words(
    run_cli: RunCli,
    shapes: Path,
    shapes_run: "Run",
    tmp_path: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each ends with a code of ours and one error, or is no mistake after all."""
    monkeypatch.setenv("COLUMNS", "80")
    junk = tmp_path / "junk.csv"
    junk.write_bytes(b"\xff\xfe\x00\x9f" * 50)
    folder = tmp_path / "folder"
    folder.mkdir()
    places = {
        "RUN": shapes_run.path,
        "DATA": shapes,
        "OUT": tmp_path / "out",
        "IMAGE": shapes / "test/circle/00.png",
        "JUNK": junk,
        "JUNK/below": junk / "below",
        "FOLDER": folder,
    }
    for option, value in _calls(run_cli(command, "--help").out):
        given = list(NEEDED.get(command, []))
        if option in given:  # it takes the place of a sound one
            del given[given.index(option) : given.index(option) + 2]
        arguments = [str(places.get(part, part)) for part in (*given, option, value)]
        result = run_cli(command, *arguments)
        told = f"imgclf {command} {' '.join(arguments)}\n{result.err}"
        assert result.code in (0, 1, 2, 3), told
        assert FOREIGN.search(result.err) is None, told
        assert result.err.count("Error: ") <= 1, told
