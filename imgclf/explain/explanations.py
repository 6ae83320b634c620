"""Images in, their maps out, a few at a time: memory does not grow with their number."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from imgclf.explain.explainer import Explainer
from imgclf.explain.methods import Method
from imgclf.explain.saliency import Saliency
from imgclf.explain.subjects import Opened, Subject, open_subject
from imgclf.explain.targets import Target
from imgclf.models import FeatureLayer
from imgclf.records import Prediction

_IMAGES = 8
_PIXELS = 30_000_000  # originals kept at once


@dataclass(frozen=True)
class Wanted:
    """What is to be shown of every image.

    Attributes:
        target: which class.
        methods: which ways.
        layers: which layers, for the methods that look at one.
        smooth: average over flips and contrasts.
    """

    target: Target
    methods: tuple[Method, ...]
    layers: tuple[FeatureLayer, ...]
    smooth: bool = False

    def views(self) -> list[tuple[Method, FeatureLayer | None]]:
        """Return every method with every layer, or alone where it looks at none."""
        return [
            (method, layer)
            for method in self.methods
            for layer in (self.layers if method.by_layer else (None,))
        ]


@dataclass(frozen=True, eq=False)
class Explanation:
    """One image with its prediction and its maps.

    Attributes:
        opened: the image, or why it cannot be read.
        prediction: what the model says of it; its error is the image's.
        maps: target by target, each in the order of :meth:`Wanted.views`.
    """

    opened: Opened
    prediction: Prediction
    maps: tuple[Saliency, ...] = ()


def explanations(explainer: Explainer, subjects: Iterable[Subject], wanted: Wanted) -> Iterator[Explanation]:
    """Yield an explanation for each subject, in order."""
    spec = explainer.predictor.header.preprocessing
    batch: list[Opened] = []
    for subject in subjects:
        batch.append(open_subject(subject, spec))
        pixels = sum(one.image.width * one.image.height for one in batch if one.image)
        if len(batch) >= _IMAGES or pixels > _PIXELS:
            yield from _batch_explained(explainer, batch, wanted)
            batch = []
    if batch:
        yield from _batch_explained(explainer, batch, wanted)


def _batch_explained(explainer: Explainer, batch: Sequence[Opened], wanted: Wanted) -> Iterator[Explanation]:
    predictor = explainer.predictor
    readable = [one for one in batch if one.pixels is not None]
    pixels = np.stack([one.pixels for one in readable if one.pixels is not None]) if readable else None
    rows = (
        predictor.probabilities(pixels) if pixels is not None else np.empty((0, len(predictor.class_names)))
    )
    classes = [_classes(explainer, one, row, wanted.target) for one, row in zip(readable, rows, strict=True)]
    maps = _maps(explainer, pixels, rows, classes, wanted) if pixels is not None else []
    ready = iter(zip(rows, classes, maps, strict=True))
    for one in batch:
        if one.pixels is None:
            yield Explanation(one, Prediction(one.subject.name, error=one.error))
            continue
        row, chosen, found = next(ready)
        prediction = predictor.prediction(one.subject.name, row)
        if prediction.error is None and not chosen:
            prediction = Prediction(one.subject.name, error=_no_true_label(one.subject))
        yield Explanation(one, prediction, tuple(found) if prediction.error is None else ())


def _classes(explainer: Explainer, opened: Opened, row: np.ndarray, target: Target) -> tuple[int, ...]:
    names = explainer.predictor.class_names
    true = opened.subject.true_label
    return target.classes(row, names.index(true) if true in names else None)


def _maps(
    explainer: Explainer,
    pixels: np.ndarray,
    rows: np.ndarray,
    classes: Sequence[tuple[int, ...]],
    wanted: Wanted,
) -> list[list[Saliency]]:
    """Compute each view for all images and targets of the batch in one call."""
    places = [(image, index) for image, chosen in enumerate(classes) for index in chosen]
    views = wanted.views()
    found: dict[tuple[int, int], list[Saliency]] = {place: [] for place in places}
    if places:
        repeated = pixels[[image for image, _ in places]]
        indices = [index for _, index in places]
        for method, layer in views:
            raw = explainer.maps(repeated, indices, method, layer, smooth=wanted.smooth)
            for place, values in zip(places, raw, strict=True):
                image, index = place
                found[place].append(
                    Saliency(
                        method=method.name,
                        layer=layer.name if layer else "",
                        layer_index=layer.index if layer else None,
                        target=explainer.predictor.class_names[index],
                        target_confidence=float(rows[image, index]),
                        raw=values,
                    )
                )
    return [
        [one for index in chosen for one in found[(image, index)]] for image, chosen in enumerate(classes)
    ]


def _no_true_label(subject: Subject) -> str:
    given = (
        f"its label '{subject.true_label}' is none of the model's classes"
        if subject.true_label
        else (
            "nobody says what it shows: put it into a folder named after its class, or choose another --target"
        )
    )
    return f"has no true class to explain; {given}"
