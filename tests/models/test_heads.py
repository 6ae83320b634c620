"""A new head's first weights: whatever the network, training starts from the loss of knowing nothing."""

import math
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_sample_images
from torch import Tensor
from torch.nn import functional as F

from imgclf.models import Classifier, create_classifier
from tests.models.conftest import InstalledPlugins
from tests.models.families import SMALLEST

LARGEST_FIRST_LOSS = 1.3  # times ln(K)


def photographs(size: tuple[int, int]) -> Tensor:
    """Eight crops of two real photographs, normalised: (8, 3, H, W)."""
    crops = []
    for picture in load_sample_images().images:
        image = Image.fromarray(picture)
        for left in (0, 100, 200, 300):
            crop = image.crop((left, 0, left + 320, 320)).resize((size[1], size[0]))
            crops.append(np.asarray(crop, dtype=np.float32) / 255)
    return (torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2) - 0.45) / 0.22


def first_loss(classifier: Classifier) -> float:
    """The loss of the first step of a training."""
    torch.manual_seed(0)
    labels = torch.tensor([0, 1] * 4)
    with torch.no_grad():
        logits = classifier.train()(photographs(classifier.image_size))
    return float(F.cross_entropy(logits, labels))


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(set(timm.list_modules()) & set(SMALLEST)))
def test_the_first_loss_is_that_of_knowing_nothing(family: str) -> None:
    """Every family of networks starts at ln(2) for two classes; timm's own draw starts at up to eight."""
    name, size = SMALLEST[family]
    torch.manual_seed(0)
    classifier = create_classifier(name, 2, pretrained="no", image_size=(size, size))
    assert first_loss(classifier) < LARGEST_FIRST_LOSS * math.log(2)


@pytest.mark.parametrize("name", ["resnet9", "resnet9_large", "resnet_prep", "cnn3", "cnn4"])
def test_our_networks_start_there_too(name: str) -> None:
    """Our own networks, two of which have a factor on their logits, start there too."""
    torch.manual_seed(0)
    classifier = create_classifier(name, 10, pretrained="no", image_size=(32, 32))
    assert first_loss(classifier) < LARGEST_FIRST_LOSS * math.log(10)


def test_a_pretrained_networks_new_head_is_narrow(plugins: InstalledPlugins) -> None:
    """With other classes than the weights', the head is drawn; with as many, the weights' own is kept."""
    own = plugins.weights["fc.weight"]
    assert torch.equal(create_classifier("plugnet", 7).network.fc.weight, own)  # type: ignore[arg-type]
    head = create_classifier("plugnet", 5).network.fc
    assert 0.005 < float(head.weight.detach().std()) < 0.02
    assert not head.bias.any()


@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "levit_128s", "deit_tiny_distilled_patch16_224"])
def test_a_head_on_weights_from_a_file_is_narrow(tmp_path: Path, name: str) -> None:
    """The new head on a file's backbone is drawn, both of them where a network has two; the file's own is kept."""
    size = 64
    args = {"img_size": size} if "mobilenet" not in name else {}
    save_file(timm.create_model(name, num_classes=3, **args).state_dict(), tmp_path / "w.safetensors")
    kept, drawn = (
        create_classifier(name, classes, weights=tmp_path / "w.safetensors", image_size=(size, size))
        for classes in (3, 2)
    )
    assert first_loss(drawn) < LARGEST_FIRST_LOSS * math.log(2)
    weights = [each for each in drawn.head_parameters() if each.ndim > 1]
    assert weights
    assert all(float(each.detach().std()) < 0.02 for each in weights)
    stored = timm.models.load_state_dict(str(tmp_path / "w.safetensors"))
    own = kept.network.state_dict()
    heads = [key for key in stored if key.startswith(("classifier", "head"))]
    assert heads
    assert all(torch.equal(own[key], stored[key]) for key in heads)


def test_a_hidden_head_keeps_its_hidden_layer() -> None:
    """Only the last layer of a head with a hidden one is drawn narrow: a narrow hidden layer would pass nothing on."""
    classifier = create_classifier("mobilenetv3_small_050", 2, pretrained="no", head={"hidden": 16})
    assert classifier.hidden_head is not None
    hidden, last = classifier.hidden_head[0], classifier.hidden_head[-1]
    assert float(hidden.weight.detach().std()) > 0.015  # 1/sqrt(3 x 288)
    assert float(last.weight.detach().std()) < 0.02
    assert not last.bias.any()
