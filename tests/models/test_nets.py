"""The networks that timm lacks have timm's interface, and learn."""

import numpy as np
import pytest
import timm
import torch
from sklearn.datasets import load_sample_image
from torch import nn

from imgclf.models import create_classifier
from imgclf.models.nets import NAMES
from imgclf.models.nets.whitening import PatchWhitening


@pytest.mark.parametrize("name", NAMES)
def test_timm_knows_the_network(name: str) -> None:
    """It is registered by this package, takes grey images and any size, and its features come by level."""
    assert timm.models.model_entrypoint(name).__module__.startswith("imgclf.models.nets")
    network = timm.create_model(name, num_classes=5, in_chans=1, drop_rate=0.1, global_pool="avg").eval()
    assert network(torch.randn(2, 1, 40, 33)).shape == (2, 5)
    levels = timm.create_model(name, features_only=True)(torch.randn(2, 3, 32, 32))
    assert [level.shape[2] for level in levels] == [32 // 2 ** (i + 1) for i in range(len(levels))]


@pytest.mark.parametrize("name", NAMES)
def test_features_lie_where_their_pixels_are(name: str) -> None:
    """Every cell of the last feature map, stretched over the image, is centred on the pixels that it depends on."""
    network = timm.create_model(name, num_classes=2).eval()
    images = torch.randn(4, 3, 96, 96, requires_grad=True)
    features = network.forward_features(images)
    cells = features.shape[2]
    inner = range(cells // 4, cells - cells // 4)  # at the border half of what a cell depends on is cut off
    for cell in inner:
        (gradient,) = torch.autograd.grad(features[:, :, cell, cell].sum(), images, retain_graph=True)
        strength = gradient.abs().sum((0, 1))
        centre = (strength.sum(1) * (torch.arange(96) + 0.5)).sum() / strength.sum()
        assert centre == pytest.approx((cell + 0.5) * 96 / cells, abs=2)


@pytest.mark.parametrize("name", NAMES)
def test_the_classifier_can_be_replaced(name: str) -> None:
    """``reset_classifier`` changes the classes and the pooling; without classes the embeddings come out."""
    network = timm.create_model(name, num_classes=5).eval()
    images = torch.randn(2, 3, 32, 32)
    network.reset_classifier(7, "avg")
    assert network(images).shape == (2, 7)
    assert isinstance(network.get_classifier(), nn.Linear)
    network.reset_classifier(0)
    assert network(images).shape == (2, network.head_hidden_size)
    with_classes = network.forward_head(network.forward_features(images), pre_logits=True)
    torch.testing.assert_close(network(images), with_classes)


def test_the_three_layer_cnn_is_as_described() -> None:
    """cnn3 has three convolutions with batch norm and max pooling, dropout 0.6 and two dense layers."""
    modules = list(timm.create_model("cnn3").modules())
    count = {
        kind: sum(isinstance(module, kind) for module in modules)
        for kind in (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.Linear)
    }
    assert list(count.values()) == [3, 3, 3, 2]
    assert [module.p for module in modules if isinstance(module, nn.Dropout)] == [0.6]


def test_the_custom_resnet_has_residual_blocks_on_layers_one_and_three() -> None:
    """resnet_prep has a preparation layer and three layers, the second without a residual block."""
    network = timm.create_model("resnet_prep")
    assert [type(layer[-1]).__name__ for layer in network.layers] == ["Shortcut", "ReLU", "Shortcut"]


def test_whitening_evens_out_the_variance_of_photographs() -> None:
    """In a real photograph nearly all variance is brightness; behind the fixed filters no direction has so much more."""
    photograph = load_sample_image("china.jpg").astype(np.float32)
    image = torch.from_numpy((photograph - photograph.mean((0, 1))) / photograph.std((0, 1)))
    image = image.permute(2, 0, 1)[None]
    patches = nn.functional.unfold(image, 2)[0]
    before = torch.linalg.eigvalsh(torch.cov(patches))
    layer = PatchWhitening(3)
    assert isinstance(layer.weight, torch.Tensor)
    assert not layer.weight.requires_grad
    filters = layer.weight[: layer.channels // 2].flatten(1)
    after = torch.cov(filters @ patches).diagonal()
    assert before[-1] / before[3] > 100
    assert after.max() / after.sort().values[3] < 20
    torch.testing.assert_close(layer.weight[: layer.channels // 2], -layer.weight[layer.channels // 2 :])


@pytest.mark.parametrize("name", ["resnet9", "cnn3", "cnn4"])
def test_the_network_learns(name: str) -> None:
    """A few steps on eight images of noise bring the loss to less than half."""
    network = timm.create_model(name, num_classes=2, drop_rate=0.0)
    images, labels = torch.randn(8, 3, 32, 32), torch.tensor([0, 1] * 4)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(12):
        loss = nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_resnet9_pools_by_an_operator_that_every_converter_has() -> None:
    """Its program holds no adaptive max pooling, and pools to the very numbers of it."""
    from timm.layers.adaptive_avgmax_pool import SelectAdaptivePool2d

    classifier = create_classifier("resnet9", 3, pretrained="no", image_size=(32, 32)).eval()
    images = torch.randn(2, 3, 32, 32)
    program = torch.export.export(classifier, (images,))
    assert not [node for node in program.graph.nodes if "adaptive_max" in str(node.target)]
    features = classifier.forward_features(images)
    pooled = SelectAdaptivePool2d(pool_type="max", flatten=True)(features)
    torch.testing.assert_close(classifier.network.head.global_pool(features), pooled, rtol=0, atol=0)
