"""What a space file may say, and what it is told when it does not fit."""

from pathlib import Path
from typing import Any

import pytest

from imgclf.errors import ConfigError
from imgclf.recipes import Config
from imgclf.tuning import default_space, load_space, parse_space
from imgclf.tuning.dimensions import Choice, Range


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({}, 'there is nothing to search. Write for example "optimizer.lr" = [0.001, 0.01].'),
        (
            {"head.dropuot": [0.1, 0.2]},
            "Unknown key 'head.dropuot'. Did you mean 'dropout'? Known here: dropout, hidden.",
        ),
        ({"head.dropout": [0.1, 1.5]}, "head.dropout should be less than 1 (given: 1.5)."),
        ({"head.dropout": {"low": -1.0, "high": 0.5}}, "head.dropout should be greater than or equal to 0"),
        (
            {"head.dropout.rate": [1, 2]},
            "head.dropout.rate: 'dropout' is a value and has no keys of its own.",
        ),
        (
            {"head.dropout": 0.5},
            "head.dropout: expected a list of values or a table such as { low = 1e-4, high = 1e-1, log = true } "
            "(given: 0.5).",
        ),
        (
            {"head.dropout": [0.5]},
            "head.dropout: a list needs two values or more to choose from (given: [0.5]).",
        ),
        ({"head.dropout": [0.5, 0.1, 0.5]}, "head.dropout: 0.5 stands twice in the list."),
        ({"optimizer.lr": {"low": 0.1}}, "optimizer.lr: high is missing."),
        ({"optimizer.lr": {"low": "a", "high": 1}}, "optimizer.lr: low should be a number (given: 'a')."),
        (
            {"optimizer.lr": {"low": 0.1, "high": True}},
            "optimizer.lr: high should be a number (given: True).",
        ),
        (
            {"optimizer.lr": {"low": 0.1, "high": 1.0, "stpe": 0.1}},
            "optimizer.lr: unknown key 'stpe'. Did you mean 'step'? Known here: low, high, log, step.",
        ),
        (
            {"optimizer.lr": {"low": 0.1, "high": 1.0, "log": 1}},
            "optimizer.lr: log should be true or false (given: 1).",
        ),
        (
            {"optimizer.lr": {"low": 1.0, "high": 0.1}},
            "optimizer.lr: low (1.0) should be less than high (0.1).",
        ),
        (
            {"optimizer.lr": {"low": 0.0, "high": 0.1, "log": True}},
            "optimizer.lr: on a logarithmic scale low should be greater than 0 (given: 0.0).",
        ),
        (
            {"optimizer.lr": {"low": 0.1, "high": 0.5, "log": True, "step": 0.1}},
            "optimizer.lr: log and step exclude each other: leave one of them out.",
        ),
        (
            {"head.hidden": {"low": 8, "high": 64, "step": 0}},
            "head.hidden: step should be greater than 0 (given: 0).",
        ),
        (
            {"head.hidden": {"low": 8, "high": 64, "step": 10}},
            "head.hidden: steps of 10 from 8 do not end at 64.",
        ),
        (
            {"training.seed": [1, 2]},
            "training.seed cannot be searched: it changes what trials are measured on, so they could not be compared.",
        ),
        ({"data": [{"dataset": "a"}, {"dataset": "b"}]}, "data cannot be searched"),
    ],
)
def test_a_space_that_does_not_fit_is_told_why(space: dict[str, Any], sentence: str) -> None:
    """One sentence that begins with where the mistake stands."""
    with pytest.raises(ConfigError) as error:
        parse_space(space, Config(), origin="space.toml: ")
    assert str(error.value).startswith(f"space.toml: {sentence}")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """No file, and no TOML."""
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read as a TOML file"):
        load_space(tmp_path / "none.toml", Config())
    (tmp_path / "bad.toml").write_text("a = = 1")
    with pytest.raises(ConfigError, match=r"bad\.toml: not valid TOML"):
        load_space(tmp_path / "bad.toml", Config())


def test_quoted_keys_and_tables_mean_the_same(tmp_path: Path) -> None:
    """TOML without quotes gives nested tables."""
    texts = (
        '"optimizer.lr" = { low = 1e-4, high = 1e-1, log = true }\n"model.name" = ["resnet9", "cnn3"]',
        'optimizer.lr = { low = 1e-4, high = 1e-1, log = true }\nmodel.name = ["resnet9", "cnn3"]',
    )
    read = []
    for text in texts:
        (tmp_path / "space.toml").write_text(text)
        read.append(load_space(tmp_path / "space.toml", Config()).to_toml())
    assert read[0] == read[1]
    assert parse_space(read[0], Config()).to_toml() == read[0]


def test_names_come_before_their_arguments() -> None:
    """Another optimiser drops the arguments of the one before, so its name has to be laid down first."""
    space = parse_space(
        {"optimizer.momentum": [0.8, 0.9], "optimizer.name": ["sgd", "rmsprop"], "head.hidden": [0, 8]},
        Config(),
    )
    keys = list(space.dimensions)
    assert keys.index("optimizer.name") < keys.index("optimizer.momentum")


def test_whole_numbers_stay_whole_and_fractions_are_short() -> None:
    """A range is of whole numbers if everything in it is; a drawn fraction has four digits and stays inside."""
    assert Range(8, 64, step=8).whole
    assert not Range(0, 1, step=0.5).whole
    assert Range(8, 64).value(24) == 24
    assert Range(0.00012344, 0.1, log=True).value(0.000123441) == 0.00012344
    assert Range(1e-4, 1e-1, log=True).value(0.00345678912) == 0.003457


def test_a_choice_may_be_of_anything() -> None:
    """Numbers, words, switches and whole tables come back as they were given."""
    values = ("auto", 3, True, {"name": "sgd", "momentum": 0.9}, [1, 2])
    choice = Choice(values)
    assert (
        tuple(choice.value(label) for label in ("auto", "3", "true", '{"momentum": 0.9, "name": "sgd"}'))
        == values[:4]
    )


def test_the_default_space_fits_its_recipe() -> None:
    """The rate is searched around the recipe's own; label smoothing only where the loss knows it."""
    plain = default_space(Config())
    assert plain.dimensions["optimizer.lr"] == Range(1e-4, 1e-2, log=True)
    assert parse_space(plain.to_toml(), Config()).to_toml() == plain.to_toml()
    other = Config.model_validate({"optimizer": {"lr": 0.5}, "loss": "MultiMarginLoss"})
    space = default_space(other)
    assert space.dimensions["optimizer.lr"] == Range(0.05, 5.0, log=True)
    assert "loss.label_smoothing" not in space.dimensions
