"""Write a classifier as one ONNX file: weights, class names and preprocessing inside, any batch size."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from imgclf._version import __version__
from imgclf.errors import MissingExtraError, ModelError
from imgclf.inference.backends.onnx import be_silent
from imgclf.inference.exported import HEADER_KEY
from imgclf.models import Classifier
from imgclf.models.graph import ExportGraph, example_input
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
    _require("onnx", "onnxscript")
    preprocessing = header.preprocessing
    graph = ExportGraph(classifier, preprocessing, baked).eval()
    try:
        with _quietly():
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
            f"The network '{header.arch}' cannot be exported to ONNX: {first_line(error)}. "
            f"Serve the run itself instead, or export with: imgclf export torch"
        ) from error
    describe(path, header)


def describe(path: Path, header: ModelHeader) -> None:
    """Put the header into an ONNX file's metadata, where any program can read it."""
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


def to_half(path: Path) -> None:
    """Turn the weights and the arithmetic of an ONNX file into float16; inputs and outputs stay as they are."""
    _require("onnx", "onnxruntime")
    import onnx  # noqa: PLC0415 - an extra
    from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: PLC0415 - an extra

    with _quietly():
        onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), path)


def to_eight_bits(path: Path, batches: list[np.ndarray]) -> None:
    """Quantise an ONNX file to int8.

    Convolutional networks are quantised statically: ranges of activations are measured on real images. Networks
    made of matrix products (transformers) are quantised dynamically, which keeps more of their accuracy.

    Args:
        path: the file, replaced.
        batches: inputs of the graph, as it takes them, made from real images.

    Raises:
        ModelError: ONNX Runtime's quantisers cannot deal with this network.
    """
    _require("onnx", "onnxruntime")
    import onnx  # noqa: PLC0415 - an extra
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static  # noqa: PLC0415
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415

    prepared = path.with_suffix(".prepared.onnx")
    try:
        with _quietly():
            # Symbolic shape inference fails on some pooling layers, and the quantisers do without it.
            quant_pre_process(path, prepared, skip_symbolic_shape=True)
            model = onnx.load(prepared)
            del model.graph.value_info[
                :
            ]  # shapes noted before a MatMul was turned around contradict those after
            onnx.save(model, prepared)
            if sum(node.op_type == "Conv" for node in model.graph.node) > 1:
                quantize_static(
                    prepared,
                    path,
                    _Calibration(batches),
                    quant_format=QuantFormat.QDQ,
                    per_channel=True,
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                )
            else:
                quantize_dynamic(prepared, path, per_channel=True, weight_type=QuantType.QInt8)
    except Exception as error:  # The quantisers raise whatever their own passes run into.
        raise ModelError(
            f"ONNX Runtime cannot quantise this network to int8: {first_line(error)}. Use --fp16 instead."
        ) from error
    prepared.unlink()


class _Calibration:
    """Feeds images to ONNX Runtime's calibration, which asks for one input after another until it gets None."""

    def __init__(self, batches: list[np.ndarray]) -> None:
        self._left = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._left, None)
        return None if batch is None else {"images": batch}


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporters' own chatter (deprecations, advice to themselves) from the user's screen."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _require(*modules: str) -> None:
    be_silent()
    for module in modules:
        try:
            __import__(module)
        except ModuleNotFoundError:
            raise MissingExtraError("Exporting to ONNX", "onnx") from None
