"""What an image can be read from."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

ImageSource: TypeAlias = Path | bytes | np.ndarray | Image.Image
"""A file, an encoded image, or pixels: uint8 (H, W) grey or (H, W, 3) RGB."""
