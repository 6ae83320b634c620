"""Quantise an ONNX file to eight bits, with settings chosen by measurement.

Activations are unsigned: with signed ones ONNX Runtime gains no speed at all on x86 (MobileNetV2 and ResNet-18). Weights
of convolutions are signed, one scale a channel; those of a transformer's matrices are unsigned, one scale a channel, which
without VNNI instructions has a third of the error of signed ones (RMSE of a ViT's logits 0.16 against 0.46).
"""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.errors import ModelError
from imgclf.export.onnx_file import require
from imgclf.models import quiet_export
from imgclf.words import first_line


def has_vnni() -> bool:
    """Say whether this CPU multiplies bytes without saturating (VNNI); False where it does not tell."""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return re.search(r"^flags\s*:.*\bavx\w*_vnni\b", text, re.MULTILINE) is not None
    return False


def to_eight_bits(path: Path, batches: list[np.ndarray], vnni: bool | None = None) -> None:
    """Quantise an ONNX file to int8.

    Convolutional networks are quantised statically: ranges of activations are measured on real images. Networks
    made of matrix products (transformers) are quantised dynamically, which keeps more of their accuracy.

    Args:
        path: the file, replaced.
        batches: inputs of the graph, as it takes them, made from real images.
        vnni: whether the CPU that the file is for has VNNI; None is this one. Without it sums of two products saturate
            at 16 bits, so weights are kept to seven.

    Raises:
        MissingExtraError: the extra ``onnx`` is not installed.
        ModelError: ONNX Runtime's quantisers cannot deal with this network.
    """
    require("onnx", "onnxruntime")
    prepared = path.with_suffix(".prepared.onnx")
    reduced = not (has_vnni() if vnni is None else vnni)
    try:
        with quiet_export():
            if _prepare(path, prepared) > 1:
                _static(prepared, path, batches, reduced)
            else:
                _dynamic(prepared, path)
    except Exception as error:  # The quantisers raise whatever their own passes run into.
        raise ModelError(
            f"ONNX Runtime cannot quantise this network to int8: {first_line(error)}. Use --fp16 instead."
        ) from error
    prepared.unlink()


def _prepare(path: Path, prepared: Path) -> int:
    """Write the file as the quantisers want it, and return how many convolutions it has."""
    import onnx  # noqa: PLC0415 - an extra
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415

    # Symbolic shape inference fails on some pooling layers, and the quantisers do without it.
    quant_pre_process(path, prepared, skip_symbolic_shape=True)
    model = onnx.load(prepared)
    del model.graph.value_info[:]  # shapes noted before a MatMul was turned around contradict those after
    onnx.save(model, prepared)
    return sum(node.op_type == "Conv" for node in model.graph.node)


def _static(prepared: Path, path: Path, batches: list[np.ndarray], reduced: bool) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static  # noqa: PLC0415 - an extra

    quantize_static(
        prepared,
        path,
        _Calibration(batches),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=reduced,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def _dynamic(prepared: Path, path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - an extra

    quantize_dynamic(prepared, path, per_channel=True, weight_type=QuantType.QUInt8)


class _Calibration:
    """Feeds images to ONNX Runtime's calibration, which asks for one input after another until it gets None."""

    def __init__(self, batches: list[np.ndarray]) -> None:
        self._left = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        batch = next(self._left, None)
        return None if batch is None else {"images": batch}
