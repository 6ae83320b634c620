"""Feature layers: their order, layout and the choice among them."""

import pytest
import torch
from torch import nn

from imgclf.errors import ModelError
from imgclf.models import Classifier, Trace, create_classifier


def made(name: str, size: tuple[int, int]) -> Classifier:
    """A classifier of random weights."""
    return create_classifier(name, 3, pretrained="no", image_size=size)


@pytest.mark.parametrize("name", ["vgg11", "vgg16"])
def test_the_third_to_last_layer_of_vgg_is_its_last_convolution(name: str) -> None:
    """Index -3 is ``features[-3]``, as in the classic Grad-CAM recipe."""
    classifier = made(name, (32, 32))
    layer = Trace.of(classifier, (32, 32)).layers[-3]
    assert layer.module is classifier.network.features[-3]
    assert isinstance(layer.module, nn.Conv2d)
    assert Trace.of(classifier, (32, 32)).choose(-3).module is layer.module
    assert Trace.of(classifier, (32, 32)).choose("-3").name == layer.name


@pytest.mark.parametrize(
    ("name", "size", "chosen", "layout", "grid", "prefix_tokens"),
    [
        ("resnet18", (96, 128), "layer4", "NCHW", (3, 4), 0),
        ("resnet18", (32, 32), "layer2", "NCHW", (4, 4), 0),
        ("mobilenetv2_100", (96, 96), "bn2", "NCHW", (3, 3), 0),
        ("efficientnet_b0", (96, 96), "bn2", "NCHW", (3, 3), 0),
        ("convnext_atto", (96, 96), "stages.3", "NCHW", (3, 3), 0),
        ("vit_tiny_patch16_224", (64, 96), "blocks.11.norm1", "tokens", (4, 6), 1),
        ("deit_tiny_patch16_224", (64, 64), "blocks.11.norm1", "tokens", (4, 4), 1),
        ("deit_tiny_distilled_patch16_224", (64, 64), "blocks.11.norm1", "tokens", (4, 4), 2),
        ("swin_tiny_patch4_window7_224", (96, 128), "layers.3", "NHWC", (3, 4), 0),
        ("resnet9", (32, 32), "layers.2", "NCHW", (4, 4), 0),
        ("resnet_prep", (32, 32), "layers.2", "NCHW", (4, 4), 0),
        ("cnn3", (32, 32), "blocks.2", "NCHW", (4, 4), 0),
        ("cnn4", (64, 64), "blocks.3", "NCHW", (4, 4), 0),
    ],
)
def test_auto_takes_the_last_features_that_have_places(
    name: str, size: tuple[int, int], chosen: str, layout: str, grid: tuple[int, int], prefix_tokens: int
) -> None:
    """``auto`` knows each family: last level, head convolution, first norm of a ViT's last block, small maps."""
    classifier = made(name, size)
    layer = Trace.of(classifier, size).choose()
    assert (layer.name, layer.layout, layer.grid) == (chosen, layout, grid)
    assert layer.prefix_tokens == prefix_tokens
    assert layer.module is classifier.network.get_submodule(chosen)


@pytest.mark.parametrize(
    ("name", "size"), [("vit_tiny_patch16_224", 64), ("deit_tiny_patch16_224", 64), ("resnet18", 64)]
)
def test_the_chosen_layer_gets_a_gradient_at_its_places(name: str, size: int) -> None:
    """The gradient of a logit reaches the places of the chosen layer, not only its prefix tokens."""
    classifier = made(name, (size, size)).eval()
    layer = Trace.of(classifier, (size, size)).choose()
    seen: list[torch.Tensor] = []
    hook = layer.module.register_forward_hook(lambda *call: seen.append(call[2]) or call[2].retain_grad())
    classifier(torch.randn(1, 3, size, size))[0, 0].backward()
    hook.remove()
    gradient = seen[0].grad
    assert gradient is not None
    places = gradient[:, layer.prefix_tokens :] if layer.layout == "tokens" else gradient
    assert places.abs().sum() > 0


@pytest.mark.parametrize("name", ["resnet9", "efficientnet_b0", "vit_tiny_patch16_224", "convnext_atto"])
def test_layers_come_in_forward_order_and_leave_no_trace(name: str) -> None:
    """Indices count up, shapes fit the layout, hooks and mode are as before."""
    classifier = made(name, (64, 64)).train()
    layers = Trace.of(classifier, (64, 64)).layers
    assert [layer.index for layer in layers] == list(range(len(layers)))
    for layer in layers:
        height, width = layer.grid
        if layer.layout == "NCHW":
            assert layer.output_shape[2:] == (height, width)
        elif layer.layout == "NHWC":
            assert layer.output_shape[1:3] == (height, width)
        else:
            assert layer.output_shape[1] == height * width + layer.prefix_tokens
    assert classifier.training
    assert not any(module._forward_hooks for module in classifier.modules())


def test_squeeze_and_excitation_are_no_feature_layers() -> None:
    """Gates on pooled features have one cell and are left out."""
    names = [layer.name for layer in Trace.of(made("efficientnet_b0", (64, 64)), (64, 64)).layers]
    assert not [name for name in names if ".se." in name]


def test_a_network_of_many_branches_has_layers_too() -> None:
    """Where timm's level names lead nowhere, ``auto`` takes the last layer that has enough cells."""
    assert min(Trace.of(made("crossvit_tiny_240", (240, 240)), (240, 240)).choose().grid) >= 3


def test_any_module_can_be_named() -> None:
    """A block's name is a layer as well."""
    layer = Trace.of(made("resnet18", (64, 64)), (64, 64)).choose("layer2.0")
    assert (layer.name, layer.output_shape) == ("layer2.0", (1, 128, 8, 8))


def test_an_index_out_of_range_is_told() -> None:
    """The message says how many layers there are."""
    with pytest.raises(
        ModelError,
        match=r"^The model 'cnn3' has 12 feature layers: expected an index from -12 to 11, got 12\.$",
    ):
        Trace.of(made("cnn3", (32, 32)), (32, 32)).choose(12)


def test_an_unknown_layer_suggests_the_nearest() -> None:
    """The message suggests a name and lists the last ones."""
    sentence = (
        r"^The model 'cnn3' has no layer 'blocks\.2\.9' among its features\. Did you mean 'blocks\.2\.\d'\? The last "
        r"ones: blocks\.1\.3, blocks\.2\.0, blocks\.2\.1, blocks\.2\.2, blocks\.2\.3\.$"
    )
    with pytest.raises(ModelError, match=sentence):
        Trace.of(made("cnn3", (32, 32)), (32, 32)).choose("blocks.2.9")


def test_a_layer_without_places_is_told() -> None:
    """A module whose output is a list has no places."""
    with pytest.raises(
        ModelError, match=r"^The output of layer 'blocks\.0' of 'crossvit_tiny_240' has no places to"
    ):
        Trace.of(made("crossvit_tiny_240", (240, 240)), (240, 240)).choose("blocks.0")
