#!/usr/bin/env bash
# OpenVINO computes a float32 model in bfloat16 by itself where the CPU has instructions for it.
#
# Seen with openvino 2026.4.1 and NumPy 2.4.6 (Python 3.11) on a CPU with avx512_bf16. Valid input: a product with a float32 matrix of 256x256,
# saved in float32. compile_model(model, "CPU") says INFERENCE_PRECISION_HINT bfloat16, and the result is off by 0.08;
# with {"INFERENCE_PRECISION_HINT": "f32"} by 2e-5. So the same file gives other numbers on another CPU, silently.
# Exits 1 when float32 is the default; 0 with a line where the CPU has no bfloat16 (nothing to be seen there).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import sys
import numpy as np, openvino
from openvino import opset13 as ops

core = openvino.Core()
if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
    print("this CPU has no bfloat16: nothing to be seen here")
    sys.exit(0)
weights = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32)
given = np.ones((1, 256), np.float32)
parameter = ops.parameter([1, 256], np.float32, name="x")
model = openvino.Model([ops.matmul(parameter, ops.constant(weights), False, False)], [parameter], "product")
errors = {}
for name, settings in (("default", {}), ("f32", {"INFERENCE_PRECISION_HINT": "f32"})):
    compiled = core.compile_model(model, "CPU", settings)
    errors[name] = float(np.abs(compiled([given])[0] - given @ weights).max())
    print(name, compiled.get_property("INFERENCE_PRECISION_HINT"), "largest error", errors[name])
assert errors["f32"] < 1e-3
sys.exit(errors["default"] < 1e-3)
PY
