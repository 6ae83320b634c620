#!/usr/bin/env bash
# ONNX Runtime's float16 converter appends its casts behind the nodes that read them, so the file is no valid ONNX.
#
# Seen with onnxruntime 1.31.1 and onnx 1.23.2 (Python 3.11). Valid input: a MatMul and a Relu that onnx.checker accepts.
# After convert_float_to_float16(model, keep_io_types=True) the nodes are MatMul, Relu, Cast, Cast, and the MatMul reads
# what the first Cast gives. onnx.checker refuses ("Nodes in a graph must be topologically sorted"), while ONNX Runtime
# itself loads the file and computes rightly: whoever tests with ONNX Runtime alone ships a file that others refuse.
# Way round: onnxruntime.transformers.onnx_model.OnnxModel(half).topological_sort(). Exits 1 when the file is valid.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6 sympy==1.14.0
ORT_DISABLE_TELEMETRY=1 "$folder/venv/bin/python" - <<'PY'
import sys
import numpy as np, onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

weights = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Relu", ["y"], ["z"])]
given, result = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in "xz")
graph = helper.make_graph(nodes, "graph", [given], [result], [weights])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnx.checker.check_model(model, full_check=True)

half = convert_float_to_float16(model, keep_io_types=True)
print([node.op_type for node in half.graph.node])
try:
    onnx.checker.check_model(half)
    valid = True
except onnx.checker.ValidationError as error:
    print(str(error).splitlines()[0])
    valid = False
session = onnxruntime.InferenceSession(half.SerializeToString())
print("ONNX Runtime computes", session.run(None, {"x": np.ones((1, 4), np.float32)})[0])
mended = OnnxModel(half)
mended.topological_sort()
onnx.checker.check_model(mended.model, full_check=True)
sys.exit(valid)
PY
