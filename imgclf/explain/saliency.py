"""A map and what can be said of it: raw, scaled for the eye, laid back onto the original image."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from imgclf.data import original_box
from imgclf.records import Preprocessing

State = Literal["ok", "empty", "flat"]

_NOTHING = 1e-9  # rounding of zeros; the logit of a class has gradients far above it
_BRIGHTEST = 99  # per cent of the pixels are darker than full brightness
_FLAT = 1e-4  # of the maximum


@dataclass(frozen=True, eq=False)
class Saliency:
    """Where the evidence for one class lies in one image.

    Attributes:
        method: its name.
        layer: the layer's name; an empty string for a map of the pixels themselves.
        layer_index: the layer's place in forward order; None without a layer.
        target: the class's name.
        target_confidence: its probability, in [0, 1].
        raw: float32 (h, w) over the model's input, 0 and up, never rescaled.
    """

    method: str
    layer: str
    layer_index: int | None
    target: str
    target_confidence: float
    raw: np.ndarray

    @property
    def state(self) -> State:
        """``empty`` where there is no evidence at all, ``flat`` where it is the same everywhere, else ``ok``."""
        highest = float(self.raw.max(initial=0.0))
        if highest <= _NOTHING:
            return "empty"
        return "flat" if highest - float(self.raw.min()) <= _FLAT * highest else "ok"

    @property
    def remark(self) -> str:
        """What a person must know of the map, as a sentence; an empty string where it is as it should be."""
        if self.state == "empty":
            return f"Empty: nothing in this layer speaks for '{self.target}'."
        if self.state == "flat":
            return "Flat: the same everywhere, so it says nothing of where."
        return ""

    def scaled(self) -> np.ndarray:
        """Return float32 (h, w) in [0, 1] for the eye; an empty or flat map stays zero and is not stretched."""
        if self.state != "ok":
            return np.zeros_like(self.raw)
        low, high = self.raw.min(), self.raw.max()
        result: np.ndarray = ((self.raw - low) / (high - low)).astype(np.float32)
        return result

    def on_input(self, size: tuple[int, int]) -> np.ndarray:
        """Return the scaled map as float32 (H, W) of the model's input, bilinearly interpolated."""
        height, width = size
        image = Image.fromarray(self.scaled())
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))

    def on_original(self, size: tuple[int, int], spec: Preprocessing) -> np.ndarray:
        """Return the scaled map as float32 (H, W) of the original image; NaN where the model saw nothing of it."""
        shown = self.scaled()
        if not self.layer and (bright := float(np.percentile(shown, _BRIGHTEST))) > 0:
            shown = shown / bright  # a map of pixels has a few so strong that the rest would be dark
        laid = original_box(size, spec).to_original(shown, fill=np.nan)
        clipped: np.ndarray = np.clip(laid, 0.0, 1.0)
        return clipped
