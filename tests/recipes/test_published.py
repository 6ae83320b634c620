"""The published recipes: every name in them exists, and they say what the originals did."""

import pytest
import timm
import torch
from torchvision.transforms import v2

from imgclf import models  # noqa: F401 - registers our networks with timm
from imgclf.plugins import DATASETS, plugin_entry_points
from imgclf.recipes import Recipe, list_recipes, load_recipe
from imgclf.training.loop.optimizers import build_optimizer

RECIPES = list_recipes()


def test_the_replaced_systems_and_ours_are_there() -> None:
    """One recipe for each system, and one of our own."""
    assert [recipe.name for recipe in RECIPES] == [
        "cnn-cifar10",
        "intel-scenes",
        "mobilenetv2-fashion-mnist",
        "resnet-cifar10",
        "resnet9-cifar10",
        "resnet9-cifar10-gpu",
        "vgg16-cifar10",
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_recipe_speaks_for_itself(recipe: Recipe) -> None:
    """Summary, accuracy, time and source are stated, or it is stated that they are not."""
    assert recipe.summary
    assert not recipe.summary.endswith(".")
    assert recipe.expected_accuracy
    assert recipe.time
    assert recipe.source != "not stated"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_name_in_a_recipe_exists(recipe: Recipe) -> None:
    """Dataset, network, transforms, loss, optimiser and schedule are built with the arguments given."""
    config = recipe.config
    assert config.data.dataset in plugin_entry_points(DATASETS)
    assert timm.is_model(config.model.name)
    assert config.augment.transforms != "auto"
    for transform in config.augment.transforms:
        getattr(v2, transform.name)(**transform.args)
    getattr(torch.nn, config.loss.name)(**config.loss.args)
    optimizer = build_optimizer(torch.nn.Linear(2, 2), config.optimizer, lr=0.1)
    arguments = {key: value for key, value in config.scheduler.args.items() if key != "monitor"}
    if config.scheduler.name == "OneCycleLR":
        arguments = {"max_lr": config.optimizer.lr, "total_steps": 100, **arguments}
    getattr(torch.optim.lr_scheduler, config.scheduler.name)(optimizer, **arguments)


def test_vgg16_follows_the_original() -> None:
    """Adam 1e-4, LinearLR from 0.5 over 4, an 80/20 split of the official test set, 224 pixels, whole image."""
    config = load_recipe("vgg16-cifar10").config
    assert (config.optimizer.name, config.optimizer.lr) == ("Adam", 1e-4)
    assert config.scheduler.args == {"start_factor": 0.5, "total_iters": 4}
    assert (config.data.val_from, config.data.val_fraction) == ("test", 0.8)
    assert (config.image.size, config.image.crop_fraction, config.image.normalize) == (224, 1.0, "imagenet")
    assert [transform.name for transform in config.augment.transforms] == [
        "RandomResizedCrop",
        "RandomHorizontalFlip",
    ]


def test_fashion_mnist_follows_the_original() -> None:
    """96 pixels in [0, 1], three channels, at most 20 epochs with early stopping and a plateau schedule."""
    config = load_recipe("mobilenetv2-fashion-mnist").config
    assert (config.image.size, config.image.channels, config.image.normalize) == (96, 3, "none")
    assert (config.training.epochs, config.scheduler.name) == (20, "ReduceLROnPlateau")
    assert config.training.early_stopping.patience > config.scheduler.args["patience"]


def test_intel_follows_the_original() -> None:
    """150 pixels, batches of 32, a fifth for validation, patience 5 on the loss, best by accuracy, two phases."""
    config = load_recipe("intel-scenes").config
    assert (config.image.size, config.training.batch_size, config.data.val_fraction) == (150, 32, 0.2)
    assert (config.training.early_stopping.patience, config.training.early_stopping.monitor) == (
        5,
        "val_loss",
    )
    assert config.training.monitor == "val_accuracy"
    assert 0 < config.training.freeze_epochs < config.training.epochs


def test_intel_augmentation_repeats_the_edge() -> None:
    """Moved as far as it can go, an image of one colour stays of one colour: nothing is filled with black."""
    transforms = load_recipe("intel-scenes").config.augment.transforms
    assert transforms != "auto"
    chain = v2.Compose([getattr(v2, transform.name)(**transform.args) for transform in transforms])
    torch.manual_seed(0)
    white = torch.full((3, 150, 150), 255, dtype=torch.uint8)
    for _ in range(100):
        moved = chain(white)
        assert moved.shape == (3, 150, 150)
        assert int(moved.min()) == 255


def test_cnn_ends_at_the_originals_rate() -> None:
    """0.001 halved every 15 epochs is the stated 0.000063 after 61, which is how the rate was found."""
    config = load_recipe("cnn-cifar10").config
    halvings = 61 // config.scheduler.args["step_size"]
    assert config.optimizer.lr * config.scheduler.args["gamma"] ** halvings == pytest.approx(
        0.000063, abs=1e-6
    )
    assert (config.head.dropout, config.optimizer.args["weight_decay"]) == (0.6, 1e-4)
    assert config.training.early_stopping.patience == 10


def test_resnet_cuts_out_eight_by_eight() -> None:
    """The erased square is 8x8 in every image."""
    transforms = load_recipe("resnet-cifar10").config.augment.transforms
    assert transforms != "auto"
    erase = v2.RandomErasing(**transforms[-1].args)
    erased = erase(torch.zeros(3, 32, 32, dtype=torch.uint8))
    assert int((erased[0] == 125).sum()) == 64
