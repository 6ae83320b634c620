"""Image sizes: chosen, checked, and told what to do about."""

import re

import pytest

from imgclf.errors import ModelError
from imgclf.models import create_classifier, default_image_size, fitting_image_size


@pytest.mark.parametrize(
    ("name", "size", "advice"),
    [
        ("vgg11", 28, 32),
        ("convnext_atto", 28, 32),
        ("inception_v3", 64, 80),
    ],
)
def test_too_small_an_image_is_refused_with_a_size_that_works(name: str, size: int, advice: int) -> None:
    """Networks that halve the map too often say so in one sentence."""
    sentence = f"The model '{name}' does not take images of {size}x{size} pixels. Try --image-size {advice}."
    with pytest.raises(ModelError, match=f"^{re.escape(sentence)}$"):
        create_classifier(name, 3, pretrained="no", image_size=(size, size))


def test_a_network_of_fixed_size_is_refused_with_a_size_that_works() -> None:
    """A network that cannot even be built at the size names another one too."""
    sentence = r"^The model 'twins_svt_small' does not take images of 28x28 pixels\. Try --image-size 32\.$"
    with pytest.raises(ModelError, match=sentence):
        create_classifier("twins_svt_small", 3, pretrained="no", image_size=(28, 28))


def test_other_arguments_are_not_blamed_on_the_size() -> None:
    """Where no size can be built, the message is about the arguments."""
    with pytest.raises(ModelError, match=r"^The model 'test_vit' takes no argument 'depthh'"):
        create_classifier("test_vit", 3, pretrained="no", arch_args={"depthh": 2})


@pytest.mark.parametrize(
    ("name", "data_size", "expected"),
    [
        ("resnet18", (28, 28), (32, 32)),
        ("resnet18", (150, 150), (150, 150)),
        ("resnet18", (1000, 60), (224, 60)),
        ("resnet18", None, (224, 224)),
        ("vgg11", (16, 20), (32, 32)),
        ("levit_128s", (100, 100), (112, 112)),
    ],
)
def test_from_scratch_the_data_decides(
    name: str, data_size: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    """The data's own size within 32 to 224, rounded up to what the network takes."""
    assert default_image_size(name, data_size) == expected


def test_a_vit_is_built_for_the_size() -> None:
    """Networks of one size get ``img_size`` and keep it among the stored arguments; others do not get it."""
    vit = create_classifier("test_vit", 3, pretrained="no", data_size=(28, 28))
    assert vit.image_size == (32, 32)
    assert vit.arch_args == {"in_chans": 3, "img_size": [32, 32]}
    assert create_classifier("resnet9", 3, image_size=(40, 32)).arch_args == {"in_chans": 3}


def test_no_size_fits_is_told() -> None:
    """Without any size that works the message says so instead of naming one."""
    assert fitting_image_size("test_vit", (32, 32), arch_args={"patch_size": 1024}) is None
