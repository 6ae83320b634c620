"""Write a classifier as one ONNX file: weights, class names and preprocessing inside, any batch size."""

import json
import re
from pathlib import Path

import torch

from imgclf._version import __version__
from imgclf.errors import MissingExtraError, ModelError
from imgclf.inference import HEADER_KEY, be_silent
from imgclf.models import Classifier, ExportGraph, example_input, quiet_export
from imgclf.records import ModelHeader
from imgclf.words import first_line


def write_onnx(path: Path, classifier: Classifier, header: ModelHeader, baked: bool) -> None:
    """Export in float32.

    The file's outputs are ``logits`` (N, K) and ``embeddings`` (N, D). Its input is ``images``, float32
    (N, C, H, W), or with ``baked`` uint8 (N, H, W, C).

    Args:
        path: the file; its folder exists.
        classifier: in eval mode, on the CPU.
        header: what the file says of itself.
        baked: normalise inside.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
        ModelError: torch cannot express this network in ONNX.
    """
    require("onnx", "onnxscript")
    preprocessing = header.preprocessing
    graph = ExportGraph(classifier, preprocessing, baked).eval()
    try:
        with quiet_export():
            torch.onnx.export(
                graph,
                (example_input(preprocessing, baked),),
                path,
                input_names=["images"],
                output_names=["logits", "embeddings"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
                dynamo=True,
                external_data=False,  # by default the weights go to a second file, and copying the first one breaks
                verbose=False,
            )
    except Exception as error:  # The exporter raises whatever the network's code or its own passes run into.
        raise ModelError(
            f"The network '{header.arch}' cannot be exported to ONNX: {_reason(error)}. "
            f"Serve the run itself instead, or export with: imgclf export torch"
        ) from error
    describe(path, header)


def describe(path: Path, header: ModelHeader) -> None:
    """Put the header into an ONNX file's metadata, where any program can read it, and check the file as it is then.

    Raises:
        ModelError: ONNX's own checker refuses the file.
    """
    import onnx  # noqa: PLC0415 - an extra

    model = onnx.load(path)
    for part in (model, model.graph, *model.graph.node):
        del part.metadata_props[:]  # the exporter leaves stack traces with this machine's paths on every node
    values = {
        HEADER_KEY: json.dumps(header.to_dict()),
        "names": json.dumps(dict(enumerate(header.class_names))),  # where other tools look for class names
        "producer": f"imgclf {__version__}",
    }
    onnx.helper.set_model_props(model, values)
    onnx.save(model, path)
    try:
        onnx.checker.check_model(path, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelError(
            f"'{path.name}' is no valid ONNX file: {first_line(error)}. Export in another precision, or with: "
            f"imgclf export torch"
        ) from error


def to_half(path: Path) -> None:
    """Turn the weights and the arithmetic of an ONNX file into float16; inputs and outputs stay as they are."""
    require("onnx", "onnxruntime")
    import onnx  # noqa: PLC0415 - an extra
    from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: PLC0415 - an extra
    from onnxruntime.transformers.onnx_model import OnnxModel  # noqa: PLC0415 - an extra

    with quiet_export():
        half = OnnxModel(convert_float_to_float16(onnx.load(path), keep_io_types=True))
        half.topological_sort()  # the converter appends its casts, and a node must stand after what it reads
        onnx.save(half.model, path)


def _reason(error: BaseException) -> str:
    """Return what failed underneath, in plain letters.

    The exporter wraps it in its own advice ("This is step 3/3"), in colour.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error)) or type(error).__name__
    return first_line(ModelError(plain))


def require(*modules: str) -> None:
    """Raise MissingExtraError where a module of the extra ``onnx`` is not there."""
    be_silent()
    for module in modules:
        try:
            __import__(module)
        except ModuleNotFoundError:
            raise MissingExtraError("Exporting to ONNX", "onnx") from None
