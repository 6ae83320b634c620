#!/usr/bin/env bash
# safetensors forgets the order of a state dict: layer 10 comes before layer 2.
#
# safetensors 0.8.0 with NumPy 2.3.5. A state dict is ordered as its network was built, torch.save keeps that order, and
# one would guess that save_file and load_file do, too. Seen: ten layers saved in order 0 to 10 come back as 0, 1, 10, 2,
# 3 ... (tensors are sorted by the size of their type, then by name). Tools that match tensors of another library's names
# by their order therefore pair layer 10 with layer 2 without a word, since all layers have the same shapes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.3.5
"$folder/venv/bin/python" - "$folder/weights.safetensors" <<'PYTHON'
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

state = {f"layer.{number}.weight": np.full((2, 2), number, np.float32) for number in range(11)}
save_file(state, sys.argv[1])
names = list(load_file(sys.argv[1]))
print("saved: ", ", ".join(state))
print("loaded:", ", ".join(names))
assert names != list(state), "the order is kept now"
assert names == sorted(state)
PYTHON
