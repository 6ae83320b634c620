"""Switching channels off one by one, for Ablation-CAM, in any layout."""

from typing import Any, final

from pytorch_grad_cam import AblationLayer
from torch import Tensor

from imgclf.models import FeatureLayer


@final
class ZeroChannels(AblationLayer):  # type: ignore[misc]  # the library ships no types
    """Stands in for the layer and gives its activations with another channel set to zero in each row.

    Zero, as the paper has it. The library's own layer sets -10,000,000 where activations can be negative, which
    a ReLU forgives but the norms of a transformer do not; and it knows neither tokens nor channels-last maps.
    """

    def __init__(self, layer: FeatureLayer) -> None:
        super().__init__()
        self._channel_axis = 1 if layer.layout == "NCHW" else -1

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
