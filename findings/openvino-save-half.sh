#!/usr/bin/env bash
# OpenVINO's save_model stores weights in half precision unless it is told not to.
#
# Seen with openvino 2026.4.1 and NumPy 2.4.6 (Python 3.11). Valid input: a product with a float32 matrix of 256x256. The .bin file of
# save_model(model, path) has 131,072 bytes, half of the matrix; what is read back differs from the float32 product by
# about 0.009, while a file of save_model(..., compress_to_fp16=False) gives it to 1e-4. Nothing is printed.
# Both are computed with INFERENCE_PRECISION_HINT f32. Exits 1 when the default keeps float32.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import os, sys
import numpy as np, openvino
from openvino import opset13 as ops

weights = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32)
given = np.ones((1, 256), np.float32)
parameter = ops.parameter([1, 256], np.float32, name="x")
model = openvino.Model([ops.matmul(parameter, ops.constant(weights), False, False)], [parameter], "product")
openvino.save_model(model, "default.xml")
openvino.save_model(model, "whole.xml", compress_to_fp16=False)
core, errors = openvino.Core(), {}
for name in ("default", "whole"):
    compiled = core.compile_model(f"{name}.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    errors[name] = float(np.abs(compiled([given])[0] - given @ weights).max())
    print(name, os.path.getsize(f"{name}.bin"), "bytes, largest error", errors[name])
assert errors["whole"] < 1e-4
sys.exit(errors["default"] < 5 * errors["whole"])
PY
