"""The model file: weights and header in one, nothing executed on reading."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from imgclf.errors import RunError
from imgclf.records import ModelHeader, Preprocessing
from imgclf.runs import fingerprint, read_header, read_weights, save_model_file, update_header

HEADER = ModelHeader(
    arch="resnet9",
    class_names=("Katze", "犬"),
    preprocessing=Preprocessing(image_size=(32, 48), mean=(0.5,), std=(0.25,), resize_mode="pad"),
    arch_args={"width": 16},
    temperature=1.5,
    threshold=0.4,
    provenance={"config": {"training": {"epochs": 3}}},
)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A model file of one transposed, that is not contiguous, tensor."""
    path = tmp_path / "model.safetensors"
    save_model_file(path, {"w": torch.arange(6.0).reshape(2, 3).T}, HEADER)
    return path


def test_header_and_weights_come_back(model_file: Path) -> None:
    """Tuples stay tuples and names keep their letters."""
    assert read_header(model_file) == HEADER
    assert torch.equal(read_weights(model_file)["w"], torch.arange(6.0).reshape(2, 3).T)


def test_new_header_keeps_the_weights(model_file: Path) -> None:
    """A temperature that was fitted later changes nothing else."""
    from dataclasses import replace

    update_header(model_file, replace(HEADER, temperature=2.0))
    assert read_header(model_file).temperature == 2.0
    assert torch.equal(read_weights(model_file)["w"], torch.arange(6.0).reshape(2, 3).T)


def test_header_is_read_without_torch(model_file: Path) -> None:
    """Reading what a file says of itself must be quick."""
    script = (
        "import sys; from pathlib import Path; from imgclf.runs import read_header; "
        "read_header(Path(sys.argv[1])); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(model_file)], check=True, timeout=60)


def test_fingerprint_follows_the_content(model_file: Path) -> None:
    """Sixteen hexadecimal digits, others for other bytes."""
    first = fingerprint(model_file)
    assert re.fullmatch("[0-9a-f]{16}", first)
    model_file.write_bytes(model_file.read_bytes() + b"x")
    assert fingerprint(model_file) != first


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x80\x04K\x01."])
def test_file_that_is_no_safetensors_is_named(tmp_path: Path, content: bytes) -> None:
    """Empty, text or a pickle: none of them is opened further."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    for read in (read_header, read_weights):
        with pytest.raises(RunError, match=rf"^{re.escape(str(path))}: not a readable model file \(.+\)\.$"):
            read(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """The same sentence, with the system's reason."""
    path = tmp_path / "model.safetensors"
    with pytest.raises(
        RunError, match=rf"^{re.escape(str(path))}: not a readable model file \(.*[Nn]o such file"
    ):
        read_header(path)


def test_foreign_safetensors_file_can_start_training(tmp_path: Path) -> None:
    """The message says how to use it."""
    path = tmp_path / "foreign.safetensors"
    save_file({"w": torch.zeros(1)}, path)
    sentence = (
        f"{path}: a safetensors file without imgclf's header. To start training from it: "
        f"imgclf train --weights {path}."
    )
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        read_header(path)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("{", ""),
        ("[]", " (it names no format)"),
        ("{}", " (it names no format)"),
        ('{"format": "x"}', " (it names no format)"),
        ("[" * 100_000, " (it is nested too deeply)"),
        ('{"format": 1}', " (arch is missing)"),
    ],
)
def test_damaged_header_is_said_to_be_damaged(tmp_path: Path, header: str, reason: str) -> None:
    """Whatever is wrong in it, there is a sentence and no traceback."""
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.zeros(1)}, path, metadata={"imgclf": header})
    sentence = f"{path}: its imgclf header is damaged{reason}; fetch or train the model again."
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        read_header(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"arch": 3}, "arch is 3, expected the name of a network"),
        ({"arch": ""}, 'arch is "", expected the name of a network'),
        ({"arch_args": []}, "arch_args is [], expected a table of arguments"),
        ({"class_names": ["a", "a"]}, 'class_names is ["a", "a"], expected a list of different names'),
        ({"class_names": []}, "class_names is [], expected a list of different names"),
        ({"class_names": [1]}, "class_names is [1], expected a list of different names"),
        (
            {"head": {"hidden": -1}},
            'head is {"hidden": -1}, expected a table of dropout (0 to 1) and hidden (0 or more)',
        ),
        (
            {"head": {"width": 1}},
            'head is {"width": 1}, expected a table of dropout (0 to 1) and hidden (0 or more)',
        ),
        ({"temperature": -1}, "temperature is -1, expected a number from 0.001 to 10000"),
        ({"temperature": 1e9}, "temperature is 1000000000.0, expected a number from 0.001 to 10000"),
        ({"temperature": float("nan")}, "temperature is NaN, expected a number from 0.001 to 10000"),
        ({"temperature": True}, "temperature is true, expected a number from 0.001 to 10000"),
        ({"temperature": "1"}, 'temperature is "1", expected a number from 0.001 to 10000'),
        ({"threshold": 1.5}, "threshold is 1.5, expected null or a number from 0 to 1"),
        ({"threshold": "0.5"}, 'threshold is "0.5", expected null or a number from 0 to 1'),
        ({"provenance": None}, "provenance is null, expected a table"),
        ({"preprocessing": 3}, "preprocessing is 3, expected a table"),
        ({"surprise": 3}, "surprise is unknown"),
        (
            {"image_size": [0, 32]},
            "preprocessing.image_size is [0, 32], expected height and width from 1 to 10,000",
        ),
        (
            {"image_size": [32]},
            "preprocessing.image_size is [32], expected height and width from 1 to 10,000",
        ),
        (
            {"mean": [0.5] * 2},
            "preprocessing.mean is [0.5, 0.5], expected one number or three for the channels",
        ),
        ({"std": [0.0]}, "preprocessing.std is [0.0], expected one number or three above 0 for the channels"),
        ({"mean": [0.5] * 3}, "preprocessing.mean and preprocessing.std have different lengths"),
        ({"resize_mode": "zoom"}, 'preprocessing.resize_mode is "zoom", expected one of crop, squash, pad'),
        ({"crop_fraction": 0}, "preprocessing.crop_fraction is 0, expected a number above 0, up to 1"),
        (
            {"interpolation": "box"},
            'preprocessing.interpolation is "box", expected one of nearest, bilinear, bicubic, lanczos',
        ),
        ({"decoding": "half"}, 'preprocessing.decoding is "half", expected one of whole, reduced'),
    ],
)
def test_impossible_values_are_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    """A header comes with a file from somewhere: what would change predictions in silence is named instead."""
    values = HEADER.to_dict()
    for name, value in changes.items():
        (values["preprocessing"] if name in values["preprocessing"] else values)[name] = value
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.zeros(1)}, path, metadata={"imgclf": json.dumps(values)})
    with pytest.raises(RunError) as raised:
        read_header(path)
    assert (
        str(raised.value)
        == f"{path}: its imgclf header is damaged ({reason}); fetch or train the model again."
    )


def test_a_header_of_the_first_format_is_read(tmp_path: Path) -> None:
    """Model files of before November 2026 say nothing of decoding: they decode whole."""
    values = {**HEADER.to_dict(), "format": 1}
    del values["preprocessing"]["decoding"]
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.zeros(1)}, path, metadata={"imgclf": json.dumps(values)})
    assert read_header(path) == HEADER


def test_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    """An older program does not guess at a newer file."""
    path = tmp_path / "model.safetensors"
    header = json.dumps({**HEADER.to_dict(), "format": 99})
    save_file({"w": torch.zeros(1)}, path, metadata={"imgclf": header})
    sentence = (
        f"{path}: written by a newer imgclf (file format 99, this version reads up to 2). "
        "Update with: pip install --upgrade imgclf"
    )
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        read_header(path)
