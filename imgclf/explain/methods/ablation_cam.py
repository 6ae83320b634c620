"""Ablation-CAM: channels are switched off one by one, in any layout (Desai, Ramaswamy 2020)."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from pytorch_grad_cam import AblationCAM, AblationLayer
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor

from imgclf.explain.methods.library import layer_maps
from imgclf.models import Classifier, FeatureLayer


@final
class AblationCam:
    """Weighs a channel by what the logit loses without it."""

    name = "ablationcam"
    title = "Ablation-CAM"
    note = "no gradient: switches channels off (Desai, Ramaswamy 2020)"
    by_layer = True
    slow = "asks the model once for each channel of a layer"

    def maps(
        self, network: Classifier, images: Tensor, classes: Sequence[int], layer: FeatureLayer | None
    ) -> np.ndarray:
        """See :class:`imgclf.explain.methods.Method`."""
        targets = [ClassifierOutputTarget(index) for index in classes]
        axis = 1 if layer is None or layer.layout == "NCHW" else -1
        return layer_maps(
            AblationCAM, network, images, targets, layer, cut=False, ablation_layer=ZeroChannels(axis)
        )


@final
class ZeroChannels(AblationLayer):  # type: ignore[misc]  # the library ships no types
    """Stands in for the layer and gives its activations with another channel set to zero in each row.

    Zero, as the paper has it. The library's own layer sets -10,000,000 where activations can be negative, which
    a ReLU forgives but the norms of a transformer do not; and it knows neither tokens nor channels-last maps.

    Args:
        channel_axis: of the layer's output.
    """

    def __init__(self, channel_axis: int) -> None:
        super().__init__()
        self._channel_axis = channel_axis

    def set_next_batch(
        self, input_batch_index: int, activations: Tensor, num_channels_to_ablate: int
    ) -> None:
        """Repeat one image's activations, a row for each channel to switch off."""
        one = activations[input_batch_index]
        self.activations = one.expand(num_channels_to_ablate, *one.shape).clone()

    def __call__(self, _: Any) -> Tensor:
        """Return the rows; what the layer would be given does not matter."""
        rows: Tensor = self.activations.movedim(self._channel_axis, 1)
        for row, channel in enumerate(self.indices[: len(rows)]):
            rows[row, int(channel)] = 0
        return self.activations
