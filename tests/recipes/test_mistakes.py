"""What a config says when a value does not fit."""

import re

import pytest

from imgclf.errors import ConfigError
from imgclf.recipes import Config, apply_overrides
from imgclf.recipes.overrides import build_config

TOP = "data, model, head, image, augment, loss, optimizer, scheduler, training, hardware"
STOPPING = "patience, min_delta, monitor"


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("foo.bar=1", f"Unknown key 'foo'. Known here: {TOP}."),
        ("trainig.epochs=1", f"Unknown key 'trainig'. Did you mean 'training'? Known here: {TOP}."),
        ("head.hiden=3", "Unknown key 'head.hiden'. Did you mean 'hidden'? Known here: dropout, hidden."),
        (
            "training.early_stopping.patence=1",
            f"Unknown key 'training.early_stopping.patence'. Did you mean 'patience'? Known here: {STOPPING}.",
        ),
        ("training.epochs=0", "training.epochs should be greater than 0 (given: 0)."),
        ("training.epochs=many", "training.epochs should be a whole number (given: 'many')."),
        ("training.epochs=1.5", "training.epochs should be a whole number (given: 1.5)."),
        ("training.epochs=[1]", "training.epochs should be a whole number (given: [1])."),
        ("training.ema=1", "training.ema should be less than 1 (given: 1)."),
        ("training.ema=much", "training.ema should be a number (given: 'much')."),
        ("training.ema=[1]", "training.ema should be a number (given: [1])."),
        ("training.compile=maybe", "training.compile should be true or false (given: 'maybe')."),
        ("training.compile=[1]", "training.compile should be true or false (given: [1])."),
        (
            "training.freeze_epochs=20",
            "training.freeze_epochs (20) is more than training.epochs (10); give fewer, with --set training.freeze_epochs=5.",
        ),
        ("training.seed=-1", "training.seed should be greater than or equal to 0 (given: -1)."),
        ("data.val_from=tets", "data.val_from should be 'auto', 'train' or 'test' (given: 'tets')."),
        ("data.workers=-1", "data.workers should be greater than or equal to 0 or 'auto' (given: -1)."),
        ("image.channels=2", "image.channels should be 'auto', 1 or 3 (given: 2)."),
        ("image.size=big", "image.size should be a whole number or a list or 'auto' (given: 'big')."),
        ("image.size=-3", "image.size should be greater than 0 or a list or 'auto' (given: -3)."),
        (
            "image.size=[1, 2, 3]",
            "image.size should be a whole number or a list of two or 'auto' (given: [1, 2, 3]).",
        ),
        ("image.size=[1]", "image.size.1 is missing."),
        (
            "image.crop_fraction=2",
            "image.crop_fraction should be less than or equal to 1 or 'auto' (given: 2).",
        ),
        ("head=3", "head should be a table (given: 3)."),
        ("model.args=3", "model.args should be a table (given: 3)."),
        ("loss.name=3", "loss.name should be a text (given: 3)."),
        ("augment.transforms=flips", "augment.transforms should be a list or 'auto' (given: 'flips')."),
        ("augment.transforms=[{size=3}]", "augment.transforms.0.name is missing."),
        ("head.hidden.width=2", "--set head.hidden.width: 'hidden' is a value and has no keys of its own."),
        ("epochs", "--set epochs: expected key=value, for example --set head.hidden=256."),
        ("=3", "--set =3: expected key=value, for example --set head.hidden=256."),
    ],
)
def test_setting_that_does_not_fit(setting: str, sentence: str) -> None:
    """Each mistake is one sentence with the key, what was expected and what was given."""
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        apply_overrides(Config(), {}, [setting])


def test_every_mistake_is_told_at_once() -> None:
    """A person mends all keys of a file in one go, and learns which file."""
    with pytest.raises(ConfigError) as caught:
        build_config({"head": {"hiden": 3}, "training": {"epochs": "x"}}, origin="mine.toml: ")
    assert str(caught.value) == (
        "mine.toml: Unknown key 'head.hiden'. Did you mean 'hidden'? Known here: dropout, hidden. "
        "training.epochs should be a whole number (given: 'x')."
    )
