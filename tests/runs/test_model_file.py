"""The model file: weights and header in one, nothing executed on reading."""

import json
import re
import subprocess
import sys
from pathlib import Path

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
    "header",
    [
        "{",
        "[]",
        "{}",
        '{"format": "x"}',
        '{"format": 1}',
        '{"format": 1, "class_names": [], "preprocessing": 3}',
    ],
)
def test_damaged_header_is_said_to_be_damaged(tmp_path: Path, header: str) -> None:
    """Whatever is wrong in it, the message is the same and no traceback."""
    path = tmp_path / "model.safetensors"
    save_file({"w": torch.zeros(1)}, path, metadata={"imgclf": header})
    sentence = f"{path}: its imgclf header is damaged; fetch or train the model again."
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        read_header(path)


def test_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    """An older program does not guess at a newer file."""
    path = tmp_path / "model.safetensors"
    header = json.dumps({**HEADER.to_dict(), "format": 99})
    save_file({"w": torch.zeros(1)}, path, metadata={"imgclf": header})
    sentence = (
        f"{path}: written by a newer imgclf (file format 99, this version reads up to 1). "
        "Update with: pip install --upgrade imgclf"
    )
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        read_header(path)
