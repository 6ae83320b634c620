"""What is settled before training, and what is told of it."""

from pathlib import Path
from typing import Any

import pytest

from imgclf.recipes import Config
from imgclf.training.reporter import SilentReporter
from imgclf.training.run.preparation import prepare
from imgclf.training.run.session import open_splits

NOTE = (
    "Note: the augmentation ends at 32x32 pixels, and the model is evaluated at 28x28. Unless that is meant, give both "
    "one size: --image-size, or the sizes in augment.transforms."
)


@pytest.mark.parametrize(
    ("transforms", "size", "told"),
    [
        ([{"name": "RandomCrop", "size": 32, "padding": 4}, {"name": "RandomHorizontalFlip"}], 28, True),
        ([{"name": "RandomResizedCrop", "size": 32}], 28, True),
        ([{"name": "RandomCrop", "size": 32, "padding": 4}], 32, False),
        ("auto", 28, False),
        ([], 28, False),
    ],
)
def test_training_at_another_size_than_evaluation_is_said(
    shapes: Path, transforms: Any, size: int, told: bool
) -> None:
    """A recipe's crop of 32 pixels under --image-size 28 costs accuracy, so it is not passed over in silence."""
    config = Config.model_validate(
        {
            "data": {"dataset": str(shapes)},
            "model": {"name": "resnet9"},
            "image": {"size": size},
            "augment": {"transforms": transforms},
            "hardware": {"device": "cpu", "precision": "fp32"},
        }
    )
    splits, class_names = open_splits(config, None, SilentReporter())
    notes = [note for note in prepare(config, splits, class_names).notes if "augmentation" in note]
    assert notes == ([NOTE] if told else [])
