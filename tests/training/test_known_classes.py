"""A class more, or another order: the classifier's rows follow the names of the classes."""

from pathlib import Path

import pytest
import torch

from imgclf.models import create_classifier
from imgclf.records import ModelHeader, Preprocessing
from imgclf.runs import save_model_file
from imgclf.training.run.known_classes import keep_known_classes


def model_file(folder: Path, network: str, class_names: tuple[str, ...]) -> Path:
    """A model file of a network with these classes, whose first weights stand for learnt ones."""
    classifier = create_classifier(network, len(class_names), pretrained="no", image_size=(32, 32))
    with torch.no_grad():
        for row, _ in enumerate(class_names):
            for parameter in classifier.head_parameters():
                parameter[row] = row + 1.0
    preprocessing = Preprocessing(
        image_size=(32, 32),
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        resize_mode="crop",
        crop_fraction=1.0,
        interpolation="bilinear",
    )
    header = ModelHeader(
        arch=classifier.arch,
        arch_args=classifier.arch_args,
        head=classifier.head,
        class_names=class_names,
        preprocessing=preprocessing,
    )
    path = folder / "model.safetensors"
    save_model_file(path, classifier.state_dict(), header)
    return path


@pytest.mark.parametrize("network", ["test_resnet", "test_vit", "resnet9"])
@pytest.mark.parametrize("names", [("cat", "bird", "dog"), ("bird", "dog"), ("dog", "cat")])
def test_rows_follow_the_names_of_the_classes(tmp_path: Path, network: str, names: tuple[str, ...]) -> None:
    """Known classes keep their rows wherever they stand; a new one, and one that is gone, start anew."""
    path = model_file(tmp_path, network, ("cat", "dog"))
    classifier = create_classifier(network, len(names), weights=path, image_size=(32, 32))
    (note,) = keep_known_classes(classifier, path, names)
    assert "keeps what model.safetensors knows of" in note
    for parameter in classifier.head_parameters():
        for row, name in enumerate(names):
            learnt = {"cat": 1.0, "dog": 2.0}.get(name, -1.0)
            assert bool((parameter[row] == learnt).all()) == (learnt > 0), name


def test_other_classes_start_anew(tmp_path: Path) -> None:
    """As many classes under other names: their rows are not taken by their place."""
    path = model_file(tmp_path, "test_resnet", ("cat", "dog"))
    classifier = create_classifier("test_resnet", 2, weights=path, image_size=(32, 32))
    assert keep_known_classes(classifier, path, ("oak", "elm")) == ()
    assert all(bool((parameter.abs() < 0.9).all()) for parameter in classifier.head_parameters())


def test_the_same_classes_are_left_alone(tmp_path: Path) -> None:
    """Nothing to do, nothing said."""
    path = model_file(tmp_path, "test_resnet", ("cat", "dog"))
    classifier = create_classifier("test_resnet", 2, weights=path, image_size=(32, 32))
    assert keep_known_classes(classifier, path, ("cat", "dog")) == ()
    assert all(bool((parameter[1] == 2.0).all()) for parameter in classifier.head_parameters())
