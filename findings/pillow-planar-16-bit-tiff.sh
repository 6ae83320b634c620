#!/usr/bin/env bash
# Pillow 12.3.0 reads an uncompressed TIFF of separate 16-bit colour planes (PlanarConfiguration 2) as stripes.
#
# tifffile 2026.3.3 writes one image twice, without compression and with zlib: valid TIFF 6.0, 8 x 8 pixels, red is 60000
# everywhere. A good engineer would guess that compression changes no pixel. Seen:
#
#   none: red = [96, 234]    the planes' two-byte samples are taken for one-byte samples
#   zlib: red = [234]           right: 60000 / 257 = 234 (rounded up)
#
# Exits with 1 where that is no longer so. Needs Python 3.11 or later and a package index.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==12.3.0 tifffile==2026.3.3 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import numpy as np
import tifffile
from PIL import Image

planes = np.zeros((3, 8, 8), np.uint16)
planes[0], planes[1, :, :4], planes[2, 4:] = 60000, 30000, 10000
red = {}
for compression in (None, "zlib"):
    tifffile.imwrite("image.tif", planes, planarconfig="separate", photometric="rgb", compression=compression)
    assert (tifffile.imread("image.tif") == planes).all()
    red[compression] = np.unique(np.asarray(Image.open("image.tif"))[..., 0]).tolist()
    print(f"{compression or 'none'}: red = {red[compression]}")
sys.exit(0 if len(red[None]) > 1 and red["zlib"] == [234] else 1)
PYTHON
