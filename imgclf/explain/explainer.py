"""A model, ready to be asked where in an image it sees a class."""

import copy
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import final

import numpy as np
import torch
from torch import Tensor

from imgclf.errors import OutOfMemoryError, UsageError
from imgclf.explain.methods import Method, choose_methods
from imgclf.inference import Predictor, TorchBackend
from imgclf.models import Classifier, FeatureLayer, Trace

_AT_ONCE = {"cpu": 8, "cuda": 32, "mps": 16}
_CONTRASTS = (0.9, 1.0, 1.1)


@final
class Explainer:
    """Computes saliency maps with a model that others may use for predicting at the same time.

    It works on a copy of the network that shares its weights: hooks, and the layer that Ablation-CAM puts in
    another's place, never stand in the predictor's own. Methods may be called from several threads; they wait for
    each other. The network is looked through once, whatever layers are asked for.

    Args:
        predictor: an opened model, with PyTorch behind it.

    Raises:
        UsageError: the model is an ONNX file.
    """

    def __init__(self, predictor: Predictor) -> None:
        if not predictor.has_network:
            raise UsageError(
                f"{predictor.file}: an exported model shows no layers and no gradients. Explain the run it was "
                f"exported from, or its model.safetensors."
            )
        self.predictor = predictor.with_torch()
        backend = self.predictor.backend
        assert isinstance(backend, TorchBackend)
        self._backend = backend
        self._classifier = _twin(backend.classifier)
        self._lock = threading.Lock()
        self._trace: Trace | None = None
        self._methods: dict[tuple[str, ...], tuple[Method, ...]] = {}

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of the model's input."""
        return self.predictor.header.preprocessing.image_size

    def layers(self) -> tuple[FeatureLayer, ...]:
        """Return the layers to choose from, in forward order."""
        return self._traced().layers

    def layer(self, choice: int | str = "auto") -> FeatureLayer:
        """Return a layer by its index (negative from the end), its name, or ``auto``.

        Raises:
            ModelError: there is no such layer.
        """
        return self._traced().choose(choice)

    def methods(self, names: tuple[str, ...]) -> tuple[Method, ...]:
        """Return the methods of these names, as :func:`choose_methods` does, found once."""
        if names not in self._methods:
            self._methods[names] = choose_methods(names)
        return self._methods[names]

    def maps(
        self,
        pixels: np.ndarray,
        classes: Sequence[int],
        method: Method,
        layer: FeatureLayer | None,
        *,
        smooth: bool = False,
    ) -> np.ndarray:
        """Return where each image holds evidence for its class.

        Args:
            pixels: uint8 (N, H, W, C), preprocessed.
            classes: N class indices.
            method: which.
            layer: from :meth:`layer`; None for a method that looks at none.
            smooth: average over flips and three strengths of contrast (test-time augmentation).

        Returns:
            float32 (N, h, w), 0 and up, not rescaled.

        Raises:
            ModelError: the method cannot explain such a network or layer.
            MissingExtraError: the method needs an extra that is not installed.
            OutOfMemoryError: the device's memory is not enough.
        """
        step = _AT_ONCE[self.predictor.device]
        parts = []
        try:
            with self._lock:
                for start in range(0, len(pixels), step):
                    images = self._backend.normalized(pixels[start : start + step])
                    compute = partial(_smoothed, method) if smooth else method.maps
                    parts.append(compute(self._classifier, images, classes[start : start + step], layer))
        except torch.OutOfMemoryError:
            raise OutOfMemoryError(
                f"Explaining {min(step, len(pixels))} images at once by {method.title} does not fit into the memory of "
                f"'{self.predictor.device}'. Free some of it, or use --device cpu."
            ) from None
        return np.concatenate(parts)

    def _traced(self) -> Trace:
        with self._lock:
            if self._trace is None:
                self._trace = Trace.of(self._classifier, self.image_size)
            return self._trace

    def compute(self, pixels: np.ndarray, work: Callable[[Classifier, Tensor], np.ndarray]) -> np.ndarray:
        """Return what ``work`` makes of the network and of images, normalised (N, C, H, W); nobody else uses it then.

        Args:
            pixels: uint8 (N, H, W, C), preprocessed.
            work: leaves the network as it is.
        """
        with self._lock:
            return work(self._classifier, self._backend.normalized(pixels))


def _smoothed(
    method: Method, network: Classifier, images: Tensor, classes: Sequence[int], layer: FeatureLayer | None
) -> np.ndarray:
    """Average a method's maps over the views of each image."""
    found = []
    for contrast in _CONTRASTS:
        found.append(method.maps(network, contrast * images, classes, layer))
        found.append(method.maps(network, contrast * images.flip(3), classes, layer)[:, :, ::-1])
    average: np.ndarray = np.mean(found, axis=0)
    return average


def _twin(classifier: Classifier) -> Classifier:
    """Copy the modules and share every tensor."""
    tensors = [*classifier.parameters(), *classifier.buffers()]
    return copy.deepcopy(classifier, {id(tensor): tensor for tensor in tensors})
