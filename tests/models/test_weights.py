"""Weights from a local file: safetensors, state dicts, our model files; hostile, damaged and foreign ones."""

import json
import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from imgclf.errors import ModelError
from imgclf.models import Classifier, classifier_from_header, create_classifier
from imgclf.records import ModelHeader, Preprocessing

ADVICE = "Expected safetensors or a state dict that torch.save wrote."


def trained(num_classes: int = 3, name: str = "resnet9") -> Classifier:
    """A classifier whose random weights stand for trained ones."""
    return create_classifier(name, num_classes, pretrained="no", image_size=(32, 32))


def from_file(path: Path, num_classes: int = 3, name: str = "resnet9", **kwargs: int) -> Classifier:
    """Start from a file."""
    return create_classifier(name, num_classes, weights=path, **kwargs)


def same_backbone(one: Classifier, other: Classifier) -> bool:
    """Return whether all but the classifiers agree."""
    ours = one.network.state_dict()
    return all(
        torch.equal(ours[name], value)
        for name, value in other.network.state_dict().items()
        if "head.fc" not in name
    )


def header_of(classifier: Classifier, size: int = 40) -> ModelHeader:
    """What a run would write about the classifier."""
    names = tuple(f"class {i}" for i in range(classifier.num_classes))
    preprocessing = Preprocessing((size, size), (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "crop", 0.9, "bicubic")
    return ModelHeader(
        classifier.arch, names, preprocessing, arch_args=classifier.arch_args, head=classifier.head
    )


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin"])
def test_a_state_dict_of_timm_is_read(tmp_path: Path, suffix: str) -> None:
    """Files of either format are read whatever they are called; the same classes keep the classifier."""
    source = trained()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(source.network.state_dict(), path)
    else:
        save_file(source.network.state_dict(), path)
    classifier = from_file(path)
    assert same_backbone(classifier, source)
    assert torch.equal(classifier.network.head.fc.weight, source.network.head.fc.weight)
    assert classifier.pretrained_source == f"file {path}"
    assert re.fullmatch(
        rf"Loaded (\d+) of \1 tensors of 'resnet9' from {path.name}, and the classifier\.",
        classifier.notes[0],
    )


def test_other_classes_drop_the_head(tmp_path: Path) -> None:
    """With other class counts the backbone is loaded and the note says that the classifier starts anew."""
    source = trained(5)
    save_file(source.network.state_dict(), tmp_path / "five.safetensors")
    classifier = from_file(tmp_path / "five.safetensors")
    assert same_backbone(classifier, source)
    assert classifier.notes[0].endswith("the classifier starts anew (the file has 5 classes, these data 3).")


def test_a_checkpoint_of_a_training_script_is_read(tmp_path: Path) -> None:
    """Averaged weights inside a checkpoint are found, and the wrappers' prefixes are taken off."""
    source = trained()
    inside = {f"module._orig_mod.{name}": value for name, value in source.network.state_dict().items()}
    other = {name: torch.zeros_like(value) for name, value in inside.items()}
    torch.save({"epoch": 3, "state_dict": other, "state_dict_ema": inside}, tmp_path / "last.pth")
    assert same_backbone(from_file(tmp_path / "last.pth"), source)


@pytest.mark.parametrize("hidden", [0, 8])
def test_our_model_file_brings_its_preprocessing(tmp_path: Path, hidden: int) -> None:
    """A run directory or its model file starts another run; a hidden head stays behind."""
    source = create_classifier("resnet9", 5, image_size=(40, 40), head={"hidden": hidden})
    metadata = {"imgclf": json.dumps(header_of(source).to_dict())}
    save_file(source.state_dict(), tmp_path / "model.safetensors", metadata=metadata)
    for path in (tmp_path, tmp_path / "model.safetensors"):
        classifier = from_file(path)
        assert same_backbone(classifier, source)
        assert classifier.image_size == (40, 40)
        assert classifier.input_spec is not None
        assert classifier.input_spec.mean == (0.1, 0.2, 0.3)
        assert classifier.input_spec.interpolation == "bicubic"


def test_a_damaged_header_is_no_obstacle(tmp_path: Path) -> None:
    """The tensors count; without a readable header the network's usual input is assumed."""
    source = trained()
    save_file(source.network.state_dict(), tmp_path / "odd.safetensors", metadata={"imgclf": "{"})
    assert from_file(tmp_path / "odd.safetensors").image_size == (32, 32)


def test_grey_images_sum_the_colours(tmp_path: Path) -> None:
    """With one channel the first convolution is summed over the colours and the mean averaged."""
    source = trained(name="resnet_prep")
    save_file(source.network.state_dict(), tmp_path / "colour.safetensors")
    classifier = from_file(tmp_path / "colour.safetensors", name="resnet_prep", channels=1)
    first = source.network.prep[0].weight.sum(1, keepdim=True)
    torch.testing.assert_close(classifier.network.prep[0].weight, first)
    assert classifier.input_spec is not None
    assert classifier.input_spec.mean == (0.4734,)


def test_positions_of_a_vit_are_resampled(tmp_path: Path) -> None:
    """Weights of a ViT fit another image size."""
    save_file(timm.create_model("test_vit", num_classes=3).state_dict(), tmp_path / "vit.safetensors")
    classifier = create_classifier("test_vit", 3, weights=tmp_path / "vit.safetensors", image_size=(64, 64))
    assert re.match(r"Loaded (\d+) of \1 tensors", classifier.notes[0])


def test_partly_fitting_weights_are_counted(tmp_path: Path) -> None:
    """Tensors of another shape are left out, and the note says how many were loaded."""
    weights = trained().network.state_dict()
    weights["layers.0.0.weight"] = torch.zeros(8, 3, 3, 3)
    save_file(weights, tmp_path / "part.safetensors")
    whole = len([name for name in weights if not name.endswith("tracked") and "head" not in name])
    note = from_file(tmp_path / "part.safetensors").notes[0]
    assert note.startswith(f"Loaded {whole - 1} of {whole} tensors of 'resnet9' from part.safetensors")


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    """The message counts what matches and names a few keys of each kind."""
    save_file(trained(name="cnn3").network.state_dict(), tmp_path / "cnn3.safetensors")
    sentence = (
        rf"^The weights file '{tmp_path}/cnn3\.safetensors' does not fit 'resnet9': only 0 of \d+ tensors match "
        r"\(missing: prep\.bias, prep\.weight, layers\.0\.0\.weight; unknown: blocks\.0\.0\.weight, .+\)\. Name its "
        r"own architecture with --model\.$"
    )
    with pytest.raises(ModelError, match=sentence):
        from_file(tmp_path / "cnn3.safetensors")


def test_our_model_file_of_another_architecture_names_its_own(tmp_path: Path) -> None:
    """The header tells which model to ask for."""
    source = trained(name="cnn3")
    metadata = {"imgclf": json.dumps(header_of(source).to_dict())}
    save_file(source.state_dict(), tmp_path / "m.safetensors", metadata=metadata)
    with pytest.raises(ModelError, match=r"It says that it holds 'cnn3'; use --model cnn3\.$"):
        from_file(tmp_path / "m.safetensors")


class _Hostile:
    """Touches a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("owned"),))


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_a_hostile_pickle_is_refused(tmp_path: Path, how: str) -> None:
    """Nothing in the file runs, and the message says why and what to ask for."""
    path = tmp_path / "hostile.pth"
    if how == "torch":
        torch.save({"weight": _Hostile()}, path)
    else:
        path.write_bytes(pickle.dumps(_Hostile()))
    sentence = (
        f"The weights file '{path}' is refused: it holds Python objects beside tensors, and opening those can run "
        "any code. Ask its author for safetensors, or for the plain state dict: "
        "torch.save(model.state_dict(), FILE)"
    )
    with pytest.raises(ModelError, match=f"^{re.escape(sentence)}$"):
        from_file(path)
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.pth", b"", "is empty (0 bytes)."),
        ("a.safetensors", b"", "is empty (0 bytes)."),
        ("a.pth", b"no weights at all", f"is damaged or no weights file (UnpicklingError). {ADVICE}"),
        ("a.pth", b"PK\x03\x04 cut off", f"is damaged or no weights file (RuntimeError). {ADVICE}"),
        ("a.safetensors", b"\xff" * 40, f"is damaged or no weights file (SafetensorError). {ADVICE}"),
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    """Empty, foreign and cut-off files are errors that say so."""
    (tmp_path / name).write_bytes(content)
    expected = f"The weights file '{tmp_path / name}' {sentence}"
    with pytest.raises(ModelError, match=f"^{re.escape(expected)}$"):
        from_file(tmp_path / name)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A path without a file, and a folder without a model file, say what is not there."""
    for path, file in (
        (tmp_path / "no.pth", tmp_path / "no.pth"),
        (tmp_path, tmp_path / "model.safetensors"),
    ):
        with pytest.raises(
            ModelError, match=f"^The weights file '{re.escape(str(file))}' does not exist\\.$"
        ):
            from_file(path)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operating system's reason is passed on."""
    path = tmp_path / "locked.pth"
    path.write_bytes(b"x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(
        ModelError, match=rf"^The weights file '{path}' cannot be read \(Permission denied\)\.$"
    ):
        from_file(path)


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2]])
def test_a_file_without_tensors_is_told(tmp_path: Path, content: object) -> None:
    """A checkpoint without weights is an error."""
    torch.save(content, tmp_path / "empty.pth")
    expected = (
        f"The weights file '{tmp_path / 'empty.pth'}' holds no tensors. Expected safetensors or the state dict of a "
        "network."
    )
    with pytest.raises(ModelError, match=f"^{re.escape(expected)}$"):
        from_file(tmp_path / "empty.pth")


@pytest.mark.parametrize(
    ("name", "head"),
    [("resnet9", {"hidden": 8, "dropout": 0.2}), ("cnn3", {"dropout": 0.3}), ("test_vit", {})],
)
def test_a_model_file_gives_the_same_classifier(name: str, head: dict[str, float]) -> None:
    """Header and weights rebuild the classifier in eval mode with the same logits."""
    source = create_classifier(name, 4, pretrained="no", image_size=(48, 48), head=head).eval()
    header = ModelHeader.from_dict(json.loads(json.dumps(header_of(source, 48).to_dict())))
    rebuilt = classifier_from_header(header, source.state_dict())
    images = torch.randn(2, 3, 48, 48)
    assert not rebuilt.training
    with torch.no_grad():
        torch.testing.assert_close(rebuilt(images), source(images))
    assert rebuilt.arch_args == source.arch_args


def test_tensors_of_another_network_do_not_make_a_classifier() -> None:
    """A model file whose tensors are not its network's is an error."""
    weights = trained().state_dict()
    weights.pop("network.layers.0.0.weight")
    with pytest.raises(
        ModelError, match=r"^The model file's tensors are not those of 'resnet9' as this version"
    ):
        classifier_from_header(header_of(trained()), weights)


def test_a_model_file_names_the_plugin_that_it_needs() -> None:
    """Where the network is unknown here, the message names the package that it came with."""
    header = replace(
        header_of(trained()), arch="plugnet", provenance={"model_package": "plugnet-package 1.0"}
    )
    sentence = (
        r"^Unknown model 'plugnet'\..* The network came with the package plugnet-package 1\.0: install it\.$"
    )
    with pytest.raises(ModelError, match=sentence):
        classifier_from_header(header, {})
    with pytest.raises(ModelError, match=r"^Unknown model 'plugnet'\.(?!.*package)"):
        classifier_from_header(replace(header, provenance={"model_package": None}), {})


def test_dropout_given_twice_is_told() -> None:
    """``head.dropout`` and ``drop_rate`` contradict each other."""
    sentence = "Dropout is given twice: head.dropout=0.5 and drop_rate=0.1 among the model's arguments. Keep one of them."
    with pytest.raises(ModelError, match=f"^{re.escape(sentence)}$"):
        create_classifier("resnet9", 3, head={"dropout": 0.5}, arch_args={"drop_rate": 0.1})


def test_an_unknown_argument_is_told() -> None:
    """The message suggests the nearest argument and lists the known ones."""
    with pytest.raises(
        ModelError,
        match=r"^The model 'cnn3' takes no argument 'hiden'\. Did you mean 'hidden'\? Known: num_classes, ",
    ):
        create_classifier("cnn3", 3, arch_args={"hiden": 4})


def test_an_argument_of_a_wrong_value_is_told() -> None:
    """What the network itself says is passed on with the arguments."""
    with pytest.raises(ModelError, match=r"^The model 'cnn3' cannot be built with widths=5, in_chans=3: "):
        create_classifier("cnn3", 3, arch_args={"widths": 5})


def test_the_heads_dropout_is_the_networks() -> None:
    """``head.dropout`` reaches the network; 0 leaves its own."""
    assert create_classifier("cnn3", 3, head={"dropout": 0.25}).network.head.drop.p == 0.25
    assert create_classifier("cnn3", 3).network.head.drop.p == 0.6
