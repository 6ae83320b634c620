"""Weights as others publish and save them: other names, wrappers' prefixes, other sizes; and what is told of them."""

import argparse
import re
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file

from imgclf.errors import ModelError
from imgclf.models import create_classifier
from imgclf.training.run.checkpoint import save_checkpoint
from tests.models.test_weights import from_file, same_backbone, trained


def test_published_names_of_torchvision_are_read(tmp_path: Path) -> None:
    """The files of torchvision's VGG16 and RegNet load whole, dense layers and classifier too: timm's converters take one argument."""
    for ours, theirs in (
        ("vgg16", torchvision.models.vgg16),
        ("regnety_004", torchvision.models.regnet_y_400mf),
    ):
        torch.save(theirs(num_classes=3).state_dict(), tmp_path / f"{ours}.pth")
        note = from_file(tmp_path / f"{ours}.pth", name=ours).notes[0]
        assert re.fullmatch(
            rf"Loaded (\d+) of \1 tensors of '{ours}' from {ours}.pth, and the classifier\.", note
        )


@pytest.mark.parametrize(
    ("prefix", "stray"),
    [
        ("model.", "loss.weight"),  # Lightning
        ("module.", "n_averaged"),  # torch.optim.swa_utils
        ("ema_model.module.", "initted"),  # ema-pytorch, over DDP
        ("timm_model.", "scale"),
        ("student.backbone.", "student.projector.weight"),  # self-supervision
    ],
)
def test_a_wrappers_prefix_is_found_beside_stray_tensors(tmp_path: Path, prefix: str, stray: str) -> None:
    """The prefix under which most names fit is taken off, and what was left over is told."""
    source = trained()
    inside = {f"{prefix}{name}": value for name, value in source.network.state_dict().items()}
    torch.save({"state_dict": {**inside, stray: torch.zeros(1)}}, tmp_path / "w.ckpt")
    classifier = from_file(tmp_path / "w.ckpt")
    assert same_backbone(classifier, source)
    left = stray.removeprefix(prefix)
    assert classifier.notes[0].endswith(f", and the classifier. Not used, of the file: {left}.")


def test_averaged_weights_go_before_the_others(tmp_path: Path) -> None:
    """Where a file holds a network and its average, the average is taken."""
    source, other = trained(), trained()
    both = {
        **{f"model.{name}": value for name, value in other.network.state_dict().items()},
        **{f"model_ema.{name}": value for name, value in source.network.state_dict().items()},
    }
    torch.save({"state_dict": both}, tmp_path / "both.ckpt")
    assert same_backbone(from_file(tmp_path / "both.ckpt"), source)


def test_timms_own_training_checkpoint_is_read(tmp_path: Path) -> None:
    """Scripts of timm keep the arguments beside the weights in an argparse.Namespace, and reads that itself without danger."""
    source = trained()
    content = {"state_dict": source.network.state_dict(), "args": argparse.Namespace(lr=0.1, opt="sgd")}
    torch.save(content, tmp_path / "last.pth.tar")
    assert same_backbone(from_file(tmp_path / "last.pth.tar"), source)


def test_a_larger_networks_file_is_warned_about(tmp_path: Path) -> None:
    """All of resnet18's tensors are in a resnet34's file, and still it is another network's: what is left tells."""
    save_file(timm.create_model("resnet34", num_classes=3).state_dict(), tmp_path / "r34.safetensors")
    note = from_file(tmp_path / "r34.safetensors", name="resnet18").notes[0]
    assert re.fullmatch(
        r"Warning: Loaded (\d+) of \1 tensors of 'resnet18' from r34\.safetensors, and the classifier\. Not used, of "
        r"the file: layer1\.2\.bn1\.bias, layer1\.2\.bn1\.running_mean, layer1\.2\.bn1\.running_var and 77 more\.",
        note,
    )


def test_half_a_network_is_warned_about(tmp_path: Path) -> None:
    """Under 95 % of the tensors the note is a warning and names what starts anew."""
    weights = {
        name: value
        for name, value in trained().network.state_dict().items()
        if not name.startswith("layers.2")
    }
    save_file(weights, tmp_path / "half.safetensors")
    note = from_file(tmp_path / "half.safetensors").notes[0]
    assert re.match(
        r"Warning: Loaded \d+ of \d+ tensors of 'resnet9' from half\.safetensors, and the classi", note
    )
    assert re.search(
        r"\. Starting anew: layers\.2\.0\.weight, layers\.2\.2\.weight, .+ and \d+ more\.$", note
    )


def test_a_stem_of_four_channels_is_named(tmp_path: Path) -> None:
    """A first convolution that does not fit is named with both shapes."""
    save_file(
        timm.create_model("resnet18", num_classes=3, in_chans=4).state_dict(), tmp_path / "four.safetensors"
    )
    note = from_file(tmp_path / "four.safetensors", name="resnet18").notes[0]
    assert note.endswith("Starting anew: conv1.weight (64x4x7x7 in the file, 64x3x7x7 here).")


@pytest.mark.parametrize("with_head", [True, False])
def test_other_names_in_the_same_order_are_mapped(tmp_path: Path, with_head: bool) -> None:
    """Where all shapes and kinds agree in order, only the names differ: mapped, and said."""
    source = trained()
    renamed = {
        f"{'stem' if place < 3 else 'block'}{place}.{name.rpartition('.')[2]}": value
        for place, (name, value) in enumerate(source.network.state_dict().items())
        if with_head or "head" not in name
    }
    torch.save(renamed, tmp_path / "renamed.pth")
    classifier = from_file(tmp_path / "renamed.pth")
    assert same_backbone(classifier, source)
    end = ", and the classifier." if with_head else "; the classifier starts anew."
    assert classifier.notes[0].endswith(f"from renamed.pth by their order, since only the names differ{end}")


def test_other_names_in_another_order_are_told(tmp_path: Path) -> None:
    """Two tensors exchanged: nothing is guessed, and the message says that neither names nor order agree."""
    items = list(trained().network.state_dict().items())
    items[3], items[8] = items[8], items[3]
    renamed = {f"t{place}.{name.rpartition('.')[2]}": value for place, (name, value) in enumerate(items)}
    torch.save(renamed, tmp_path / "mixed.pth")
    sentence = (
        r"Name its own architecture with --model\. If it is this one under other names, rename them: neither the names "
        r"nor the shapes in their order agree\.$"
    )
    with pytest.raises(ModelError, match=sentence):
        from_file(tmp_path / "mixed.pth")


def test_the_order_of_the_alphabet_maps_nothing(tmp_path: Path) -> None:
    """A safetensors file sorts names, so block 10 comes before block 2, of the same shapes: the order is not the network's."""
    network = timm.create_model("test_vit", num_classes=3, depth=11)
    renamed = {
        f"net.{name.replace('blocks', 'layer')}": value for name, value in network.state_dict().items()
    }
    save_file({name: value.clone() for name, value in renamed.items()}, tmp_path / "vit.safetensors")
    with pytest.raises(ModelError, match=r"does not fit 'test_vit'"):
        create_classifier("test_vit", 3, weights=tmp_path / "vit.safetensors", arch_args={"depth": 11})


def test_a_runs_training_state_is_no_weights_file(tmp_path: Path) -> None:
    """``--weights RUN/last.ckpt`` is told apart: it is for --resume, the weights are beside it."""
    save_checkpoint(tmp_path / "last.ckpt", {"header": "{}", "trainer": {"model": {"w": torch.zeros(1)}}})
    sentence = (
        f"The weights file '{tmp_path / 'last.ckpt'}' is the training state of a run. To go on with that run: imgclf train "
        f"--resume {tmp_path}. To start another from its weights: --weights {tmp_path}"
    )
    with pytest.raises(ModelError, match=f"^{re.escape(sentence)}$"):
        from_file(tmp_path / "last.ckpt")
