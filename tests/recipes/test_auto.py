"""What ``auto`` means has one owner: ``train``, its dry run, ``eda`` and the augmentation say the same."""

from pathlib import Path

import pytest
from PIL import Image

from imgclf.data import open_dataset
from imgclf.eda.facts.crop import crop_facts
from imgclf.eda.measuring.survey import survey
from imgclf.recipes import Config, auto
from imgclf.training import dry_run


@pytest.fixture(params=[(100, 300), (150, 150), (48, 40), (300, 400)], ids=str)
def photos(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder of twelve photographs of one (height, width) in two classes."""
    height, width = request.param
    for name in ("a", "b"):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for index in range(6):
            Image.effect_noise((width, height), 30 + index).convert("RGB").save(folder / f"{index}.png")
    return tmp_path / "photos"


def test_eda_and_train_see_the_same_part_of_an_image_from_scratch(photos: Path, tmp_path: Path) -> None:
    """``eda`` took 0.875 of an image and 224 pixels where a network without weights takes all at the images' own size."""
    config = Config.model_validate(
        {
            "data": {"dataset": str(photos), "val_fraction": 0.34},
            "model": {"name": "test_resnet", "pretrained": "no"},
            "training": {"batch_size": 4},
            "hardware": {"device": "cpu", "precision": "fp32"},
        }
    )
    trained = dry_run(config, out=tmp_path / "out")
    facts = crop_facts(survey(open_dataset(str(photos))))
    assert facts is not None
    assert facts.median == pytest.approx(trained.crop_keeps, abs=0.01)
    assert facts.spec.crop_fraction == auto.crop_fraction(None) == 1.0


def test_rules_of_thumb() -> None:
    """Networks and sizes by the images', rates and crops by the weights."""
    assert (auto.network((64, 64)), auto.network((64, 65))) == ("resnet9", "resnet18")
    assert auto.size_from_scratch((10, 500)) == (32, 224)
    assert auto.size_from_scratch(None) == (224, 224)
    assert auto.learning_rate(pretrained=True) < auto.learning_rate(pretrained=False)
    assert auto.crop_fraction(0.95) == 0.95
    assert (auto.interpolation("bicubic"), auto.interpolation(None)) == ("bicubic", "bilinear")
