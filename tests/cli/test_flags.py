"""Flags: said once in the config, grouped into records by commands."""

import json
from importlib.resources import files
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command

from imgclf.cli.flags import OptionGroup, flat, settings
from imgclf.cli.main import build_app
from imgclf.recipes import Config
from imgclf.recipes.flags import flags_of

COMMANDS = tuple(get_command(build_app([])).commands)


def test_file_of_the_flags_is_what_the_config_says() -> None:
    """It is written by docs/generate_reference.py, so that help need not import the config."""
    kept = json.loads(files("imgclf.cli").joinpath("settings.json").read_text(encoding="utf-8"))
    assert kept == list(flags_of(Config))


def test_every_flag_of_the_config_is_one_of_train() -> None:
    """With the field's text and default."""
    options = {
        name: option
        for option in get_command(build_app(["train"])).commands["train"].params
        for name in option.opts
    }
    for flag in flags_of(Config):
        option = options[flag["flag"].partition("/")[0]]
        assert option.help == f"{flag['help']}" + (
            f"  [default: {flag['default']}]" if flag["default"] else ""
        )


class _Pair(OptionGroup):
    """Two options that belong together."""

    first: Annotated[int, typer.Option()] = 1
    second: Annotated[str, typer.Option()] = "two"


def test_records_and_settings_are_put_together_for_the_command() -> None:
    """Only given settings arrive; a switch becomes the config's yes or no."""
    seen: dict[str, Any] = {}

    def command(
        name: str,
        pair: _Pair,
        chosen: Annotated[dict[str, Any], settings("model.pretrained", "optimizer.lr")],
    ) -> None:
        """Do it."""
        seen.update(name=name, pair=pair, chosen=chosen)

    app = typer.Typer()
    app.command()(flat(command))
    run = get_command(app)
    run(["x", "--second", "b", "--no-pretrained"], standalone_mode=False)
    pair = seen.pop("pair")
    assert (pair.first, pair.second) == (1, "b")
    assert seen == {"name": "x", "chosen": {"model.pretrained": "no"}}
    with pytest.raises(AttributeError, match=r"^_Pair is read-only$"):
        pair.first = 2
    run(["x", "--lr", "0.5", "--pretrained"], standalone_mode=False)
    assert seen["chosen"] == {"model.pretrained": "yes", "optimizer.lr": 0.5}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_value_is(run_cli: Any, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word such as N, DIR or LR, or the choices; never a type of Python's."""
    monkeypatch.setenv("COLUMNS", "80")
    text = run_cli(command, "--help").out
    assert "<" not in text
    assert ">" not in text.replace("> mine.toml", "")
    assert "[[" not in text
    for word in (" int", " str", " path", " TEXT", " INTEGER", " FLOAT"):
        assert not [
            line
            for line in text.splitlines()
            if line.lstrip().startswith("-") and f"{word} " in f"{line[:26]} "
        ]
