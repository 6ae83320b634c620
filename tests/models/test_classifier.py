"""The wrapper around a timm network."""

import pytest
import torch
from torch import nn

from imgclf.errors import ModelError
from imgclf.models import Classifier, create_classifier

# One of each kind of head: linear, our dense head, ConvMlp before it, 1x1 convolution, tokens, two classifiers.
NETWORKS = [
    ("resnet9", 32),
    ("resnet9_large", 32),
    ("resnet_prep", 32),
    ("cnn3", 32),
    ("cnn4", 32),
    ("resnetv2_18", 32),
    ("mobilenetv3_small_050", 32),
    ("test_vit", 64),
    ("levit_128s", 64),
]


def small(name: str, size: int = 32, **kwargs: object) -> Classifier:
    """A classifier of three classes from random weights, in eval mode."""
    return create_classifier(name, 3, pretrained="no", image_size=(size, size), **kwargs).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "size"), NETWORKS)
def test_classifying_the_embeddings_gives_the_logits(name: str, size: int) -> None:
    """``classify(embed(x))`` equals ``forward(x)`` in eval mode, and the widths are as declared."""
    classifier = small(name, size)
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        logits, embeddings = classifier(images), classifier.embed(images)
        assert logits.shape == (2, 3)
        assert embeddings.shape == (2, classifier.network.head_hidden_size)
        torch.testing.assert_close(classifier.classify(embeddings), logits)


@pytest.mark.parametrize(("name", "size"), [*NETWORKS, ("deit_tiny_distilled_patch16_224", 32)])
def test_a_hidden_head_stands_on_the_embeddings(name: str, size: int) -> None:
    """With ``hidden`` the embeddings are the backbone's, and the new head alone is the head."""
    classifier = small(name, size, head={"dropout": 0.5, "hidden": 8})
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        torch.testing.assert_close(classifier.classify(classifier.embed(images)), classifier(images))
    assert [tuple(parameter.shape) for parameter in classifier.head_parameters()][-2:] == [(3, 8), (3,)]
    assert [type(module) for module in classifier.hidden_head or []] == [
        nn.Linear,
        nn.ReLU,
        nn.Dropout,
        nn.Linear,
    ]


@pytest.mark.parametrize("head", [{}, {"hidden": 8}])
@pytest.mark.parametrize("name", ["resnet9", "levit_128s"])
def test_backbone_and_head_share_out_the_parameters(name: str, head: dict[str, int]) -> None:
    """Every parameter is the backbone's or the head's, none is both."""
    classifier = small(name, 64, head=head)
    backbone = {id(each) for each in classifier.backbone_parameters()}
    of_head = {id(each) for each in classifier.head_parameters()}
    assert of_head
    assert not backbone & of_head
    assert backbone | of_head == {id(each) for each in classifier.parameters()}


def test_freeze_batch_norm_keeps_the_statistics() -> None:
    """After ``freeze_batch_norm`` a training pass changes no running mean; ``train`` thaws them."""
    classifier = small("resnet9").train()
    classifier.freeze_batch_norm()
    before = classifier.network.layers[0][2].running_mean.clone()
    classifier(torch.randn(2, 3, 32, 32))
    torch.testing.assert_close(classifier.network.layers[0][2].running_mean, before)
    classifier.train()
    classifier(torch.randn(2, 3, 32, 32))
    assert not torch.equal(classifier.network.layers[0][2].running_mean, before)


def test_features_are_timms_own() -> None:
    """``forward_features`` returns what the network has before pooling."""
    classifier = small("resnet9")
    assert classifier.forward_features(torch.randn(1, 3, 32, 32)).shape == (1, 256, 4, 4)


def test_classifiers_on_branches_cannot_classify_embeddings() -> None:
    """CrossViT classifies each branch by itself: its embeddings alone do not give the logits, and it says so."""
    classifier = small("crossvit_tiny_240", 240)
    sentence = (
        r"^The classifiers of 'crossvit_tiny_240' cannot be applied to embeddings: each works on a branch of"
    )
    with pytest.raises(ModelError, match=sentence):
        classifier.classify(torch.zeros(1, classifier.network.head_hidden_size))
