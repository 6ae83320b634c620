"""Flags and ``--set`` laid over a config."""

from imgclf.recipes import Config, apply_overrides


def test_nothing_given_changes_nothing() -> None:
    """A flag that was not given leaves the config alone."""
    assert apply_overrides(Config(), {"training.epochs": None}) == Config()


def test_settings_win_over_flags() -> None:
    """--set is the last word."""
    config = apply_overrides(Config(), {"training.epochs": 3}, ["training.epochs=4"])
    assert config.training.epochs == 4


def test_values_are_read_as_toml_and_bare_words_are_texts() -> None:
    """Numbers, truths, lists and tables need no quotes around them."""
    settings = [
        "data.dataset=cifar10",
        "training.compile=true",
        "image.size=[96, 128]",
        'augment.transforms=[{name="RandomCrop", size=32, padding=4}]',
        "training.max_time=10m",
    ]
    config = apply_overrides(Config(), {}, settings)
    assert config.data.dataset == "cifar10"
    assert config.training.compile is True
    assert config.image.size == (96, 128)
    assert config.augment.transforms[0].args == {"size": 32, "padding": 4}
    assert config.training.max_time == "10m"


def test_another_optimizer_drops_the_arguments_but_keeps_the_rate() -> None:
    """Momentum belongs to SGD and would make Adam fail."""
    config = Config.model_validate({"optimizer": {"name": "SGD", "lr": 0.1, "momentum": 0.9}})
    changed = apply_overrides(config, {"optimizer.name": "Adam"})
    assert (changed.optimizer.name, changed.optimizer.lr, changed.optimizer.args) == ("Adam", 0.1, {})


def test_the_same_optimizer_keeps_its_arguments() -> None:
    """Naming what is there already changes nothing."""
    config = Config.model_validate({"optimizer": {"name": "SGD", "lr": 0.1, "momentum": 0.9}})
    assert apply_overrides(config, {"optimizer.name": "SGD"}).optimizer.args == {"momentum": 0.9}


def test_a_name_alone_stands_for_a_table() -> None:
    """`loss=MultiMarginLoss` is `loss={name="MultiMarginLoss"}`."""
    assert apply_overrides(Config(), {}, ["loss=MultiMarginLoss"]).loss.name == "MultiMarginLoss"


def test_resolved_config_survives_toml() -> None:
    """What the run stores gives the same config back."""
    import tomllib

    import tomli_w

    config = apply_overrides(Config(), {}, ["image.size=[96, 128]", "optimizer.weight_decay=0.1"])
    assert Config.model_validate(tomllib.loads(tomli_w.dumps(config.to_toml_dict()))) == config
