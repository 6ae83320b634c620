"""ONNX files that cannot be used are named, with what to do."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from imgclf.errors import ModelError, RunError, UsageError
from imgclf.inference import Predictor

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporters, about each other


def test_files_that_are_not_ours(file: Path, tmp_path: Path) -> None:
    """A missing, broken, foreign, damaged or too new ONNX file, and a missing device, are each named."""

    def refused(path: Path, device: str = "auto") -> str:
        with pytest.raises((RunError, UsageError)) as caught:
            Predictor.open(path, device=device)
        return str(caught.value)

    def changed(**metadata: str) -> Path:
        loaded = onnx.load(file)
        del loaded.metadata_props[:]
        onnx.helper.set_model_props(loaded, metadata)
        onnx.save(loaded, tmp_path / "x.onnx")
        return tmp_path / "x.onnx"

    missing, broken = tmp_path / "none.onnx", tmp_path / "broken.onnx"
    broken.write_text("no model")
    assert refused(missing) == f"There is no model file '{missing}'."
    assert refused(broken).startswith(f"{broken}: not a readable ONNX file (")
    assert refused(changed(names="{}")) == (
        f"{tmp_path / 'x.onnx'}: a file of the format ONNX without imgclf's header (class names and preprocessing). "
        f"Use one made by: imgclf export"
    )
    assert "its imgclf header is damaged; export the model again." in refused(changed(imgclf="{"))
    assert "exported by a newer imgclf (file format 99," in refused(changed(imgclf='{"format": 99}'))
    assert refused(file, "mps") == (
        "This ONNX Runtime cannot compute on 'mps', only on: cpu. "
        "For CUDA install onnxruntime-gpu in the place of onnxruntime."
    )


def test_embeddings_that_were_not_exported_are_named(file: Path, tmp_path: Path) -> None:
    """A file with logits alone says so when asked for embeddings."""
    loaded = onnx.load(file)
    del loaded.graph.output[1]
    onnx.save(loaded, tmp_path / "plain.onnx")
    plain = Predictor.open(tmp_path / "plain.onnx")
    with pytest.raises(ModelError) as caught:
        plain.embed(np.zeros((1, 32, 32, 3), np.uint8))
    assert str(caught.value) == (
        f"{tmp_path / 'plain.onnx'}: exported without embeddings. Export it again: imgclf export onnx"
    )
