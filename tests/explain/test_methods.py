"""Maps of layers: every family, every method, like the library's own, and no hook left."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM, LayerCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from imgclf.errors import ModelError, UsageError
from imgclf.explain import METHODS, Explainer
from imgclf.explain.methods.library import _unscaled
from imgclf.explain.saliency import Saliency
from imgclf.models import Classifier, Trace, create_classifier

GRADCAM = METHODS.load("gradcam")


def network(name: str, size: int = 64, **arch_args: object) -> Classifier:
    """Build a network for four classes with random weights, frozen as a predictor freezes it."""
    classifier = create_classifier(
        name, 4, pretrained="no", image_size=(size, size), arch_args=dict(arch_args) or None
    )
    return classifier.eval().requires_grad_(False)


def hooks(classifier: nn.Module) -> int:
    """Count all forward hooks."""
    return sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in classifier.modules())


@pytest.mark.parametrize(
    ("name", "size", "arch_args"),
    [
        ("vgg11", 32, {"mlp_ratio": 0.01}),
        ("test_resnet", 64, {}),
        ("mobilenetv3_small_050", 64, {}),
        ("test_efficientnet", 64, {}),
        ("test_convnext", 96, {}),
        ("test_vit", 64, {}),
        ("deit_tiny_patch16_224", 64, {"depth": 2, "embed_dim": 48}),
        ("swin_tiny_patch4_window7_224", 64, {"depths": (1, 1, 1, 1), "embed_dim": 24}),
        ("resnet9", 32, {}),
        ("mobilenetv2_100", 64, {}),
    ],
)
def test_families_have_maps_with_content(name: str, size: int, arch_args: dict[str, object]):
    """With `auto` each family gives a map of its layer's grid, different for each class, and is left clean."""
    classifier = network(name, size, **arch_args)
    layer = Trace.of(classifier, (size, size)).choose("auto")
    images = torch.randn(2, 3, size, size)
    found = [
        METHODS.load("elementwise").maps(classifier, images, [index, index], layer) for index in range(4)
    ]
    assert all(maps.shape == (2, *layer.grid) for maps in found)
    assert all(maps.max() > 0 for maps in found)
    assert not np.allclose(found[0], found[1])
    assert hooks(classifier) == 0


@pytest.mark.parametrize("name", sorted({*METHODS.names()} - {"integrated-gradients", "shap"}))
def test_methods_give_maps_of_the_layer(name: str):
    """Every method of the library works on a CNN, never negative, and says something of a part of the images."""
    classifier = network("test_resnet")
    layer = Trace.of(classifier, (64, 64)).choose("auto")
    images = torch.randn(1, 3, 64, 64).repeat(4, 1, 1, 1)
    maps = METHODS.load(name).maps(classifier, images, [0, 1, 2, 3], layer)
    assert maps.shape == ((4, 64, 64) if name == "fullgrad" else (4, *layer.grid))
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    assert maps.max() > 0


@pytest.mark.parametrize("name", ["gradcam", "ablationcam", "scorecam"])
@pytest.mark.parametrize(
    "arch", [("test_vit", {}), ("swin_tiny_patch4_window7_224", {"depths": (1, 1), "embed_dim": 24})]
)
def test_tokens_and_channels_last(name: str, arch: tuple[str, dict[str, object]]):
    """Methods with and without gradients work on tokens and on maps with the channels last."""
    classifier = network(arch[0], **arch[1])
    layer = Trace.of(classifier, (64, 64)).choose("auto")
    assert layer.layout == ("tokens" if arch[0] == "test_vit" else "NHWC")
    before = layer.module
    maps = METHODS.load(name).maps(classifier, torch.randn(1, 3, 64, 64), [1], layer)
    assert maps.shape == (1, *layer.grid)
    assert np.isfinite(maps).all()
    assert classifier.get_submodule(f"network.{layer.name}") is before


def test_gradcam_is_the_library_s():
    """Cutting the graph below the layer and leaving out the stretching changes nothing else."""
    classifier = network("test_resnet")
    images = torch.randn(2, 3, 64, 64)
    layer = Trace.of(classifier, (64, 64)).choose("layer3")
    ours = GRADCAM.maps(classifier, images, [0, 3], layer)
    classifier.requires_grad_(True)
    with GradCAM(classifier, [layer.module]) as cam:
        theirs = cam(images, [ClassifierOutputTarget(0), ClassifierOutputTarget(3)])
    np.testing.assert_allclose(scale_cam_image(scale_cam_image(ours, (64, 64))), theirs, atol=1e-5)


def test_a_layer_before_an_inplace_activation_is_seen_as_it_is():
    """VGG's -3 is its last convolution; the ReLU after it works in place and must not change what is explained."""
    classifier = network("vgg11", 32, mlp_ratio=0.01)
    layer = Trace.of(classifier, (32, 32)).choose("features.18")
    images = torch.randn(1, 3, 32, 32)
    maps = METHODS.load("hirescam").maps(classifier, images, [2], layer)
    kept: list[torch.Tensor] = []
    hook = layer.module.register_forward_hook(
        lambda _, __, output: kept.append(output.detach().requires_grad_()) or kept[0].clone()
    )
    classifier(images)[0, 2].backward()
    hook.remove()
    assert kept[0].grad is not None
    expected = (kept[0] * kept[0].grad).sum(1).clamp(min=0).detach().numpy()
    np.testing.assert_allclose(maps, expected, atol=1e-6)
    assert kept[0].min() < 0


def test_the_end_of_a_token_pooled_vit_is_empty_and_said_so():
    """No gradient reaches the patches at the last block's output: zeros, not noise stretched to a picture."""
    classifier = network("test_vit")
    layer = Trace.of(classifier, (64, 64)).choose("blocks.5")
    raw = GRADCAM.maps(classifier, torch.randn(1, 3, 64, 64), [1], layer)[0]
    saliency = Saliency("gradcam", layer.name, layer.index, "dog", 0.5, raw)
    assert saliency.state == "empty"
    assert saliency.remark == "Empty: nothing in this layer speaks for 'dog'."
    assert not saliency.scaled().any()


@pytest.mark.parametrize("name", ["gradcam", "ablationcam", "scorecam", "shapleycam", "fullgrad"])
@pytest.mark.parametrize("error", [IndexError, RuntimeError])
def test_errors_come_out_and_leave_no_hooks(name: str, error: type[Exception]):
    """Even an IndexError, which the library's `with` would swallow; and the layer is back in its place."""
    classifier = network("test_resnet")
    layer = Trace.of(classifier, (64, 64)).choose("auto")
    calls = []

    def fail(module: nn.Module, args: object, output: torch.Tensor) -> None:
        calls.append(1)
        if len(calls) > (3 if name == "ablationcam" else 0):
            raise error("broken")

    hook = classifier.network.get_classifier().register_forward_hook(fail)
    with pytest.raises(error, match="broken"):
        METHODS.load(name).maps(classifier, torch.randn(1, 3, 64, 64), [0], layer)
    hook.remove()
    assert hooks(classifier) == 0
    assert classifier.get_submodule(f"network.{layer.name}") is layer.module


def test_methods_that_cannot_say_so():
    """ShapleyCAM needs the channels first, FullGrad biases of convolutions."""
    classifier = network("test_vit")
    layer = Trace.of(classifier, (64, 64)).choose("auto")
    images = torch.randn(1, 3, 64, 64)
    with pytest.raises(
        ModelError,
        match=r"^ShapleyCAM explains layers with the channels first only, but 'blocks\.5\.norm1' of "
        r"'test_vit' is tokens\. Use gradcam or hirescam\.$",
    ):
        METHODS.load("shapleycam").maps(classifier, images, [0], layer)
    for module in classifier.network.modules():
        if isinstance(module, nn.Conv2d):
            module.bias = None
    with pytest.raises(
        ModelError,
        match=r"^FullGrad explains by the biases of convolutions and batch norms, and 'test_vit' has none\. "
        r"Use gradcam or layercam\.$",
    ):
        METHODS.load("fullgrad").maps(classifier, images, [0], layer)


def test_shapleycam_before_a_linear_end_is_gradcam():
    """Behind the last stage of a MobileNet all is linear: there is no second derivative, and none is asked for."""
    classifier = network("mobilenetv1_100")
    layer = Trace.of(classifier, (64, 64)).choose("blocks.4")
    images = torch.randn(2, 3, 64, 64)
    shapley, plain = (
        METHODS.load(n).maps(classifier, images, [0, 3], layer) for n in ("shapleycam", "gradcam")
    )
    np.testing.assert_allclose(shapley, plain, atol=1e-6)
    assert plain.max() > 0


@pytest.mark.parametrize("name", ["layercam", "integrated-gradients"])
def test_smoothing_averages_views(explainer: Explainer, shapes: Path, name: str):
    """The mean over six views: for a layer it is the library's own, and maps of pixels are smoothed too."""
    method = METHODS.load(name)
    layer = explainer.layer() if method.by_layer else None
    pixels = explainer.predictor.prepare(shapes / "test/square/00.png").pixels
    assert pixels is not None
    plain, smooth = (explainer.maps(pixels[None], [1], method, layer, smooth=s)[0] for s in (False, True))
    assert smooth.shape == plain.shape
    assert smooth.dtype == np.float32
    assert not np.allclose(smooth, plain)
    if layer is None:
        return
    classifier = explainer._classifier
    images = explainer._backend.normalized(pixels[None])
    theirs = _unscaled(LayerCAM)(classifier, [layer.module])
    expected = theirs(images.requires_grad_(), [ClassifierOutputTarget(1)], aug_smooth=True)
    theirs.activations_and_grads.release()
    # Of equal values in a plain area rounding decides which one a pooling takes, and it depends on the batch.
    np.testing.assert_allclose(smooth[None], expected, atol=1e-3)


def test_a_method_of_layers_wants_one():
    """Nobody gets another method's map in its place."""
    with pytest.raises(
        UsageError, match=r"^GradCAM explains by a layer: choose one with Explainer\.layer\(\)\.$"
    ):
        GRADCAM.maps(network("test_resnet"), torch.randn(1, 3, 64, 64), [0], None)
