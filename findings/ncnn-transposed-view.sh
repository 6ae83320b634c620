#!/usr/bin/env bash
# ncnn.Mat reads a transposed NumPy view as if it were contiguous, without a word: channels come out mixed.
#
# Seen with ncnn 1.0.20261020 and NumPy 2.4.6 (Python 3.11, x86-64). Valid input: pixels (rows, columns, channels) turned
# to channels first by transpose(2, 0, 1), which NumPy gives as a view. ncnn.Mat(view) has the view's shape and the
# memory's order:
#   view[0]            [[0, 4, 8], [12, 16, 20]] (the first channel)
#   ncnn.Mat(view)[0]  [[0, 1, 2], [3, 4, 5]]
# Way round: np.ascontiguousarray(view). Exits 1 when the view is read rightly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ncnn==1.0.20261020 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import sys
import ncnn
import numpy as np

pixels = np.arange(2 * 4 * 3, dtype=np.float32).reshape(2, 3, 4)
view = pixels.transpose(2, 0, 1)
read, copied = np.array(ncnn.Mat(view)), np.array(ncnn.Mat(np.ascontiguousarray(view)))
print("view          ", view[0].tolist())
print("ncnn, a view  ", read[0].tolist())
print("ncnn, a copy  ", copied[0].tolist())
assert (copied == view).all()
sys.exit(bool((read == view).all()))
PY
