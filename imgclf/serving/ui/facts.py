"""What the page knows of the model before anybody has asked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgclf.runs import EXAMPLES, MISCLASSIFIED, KeptImage, kept_images
from imgclf.serving.model.explaining import LayerChoice
from imgclf.serving.model.served import described
from imgclf.serving.service import Service


@dataclass(frozen=True)
class Facts:
    """What is shown.

    Attributes:
        card: as ``GET /model`` tells it.
        layers: that a map can be of, in forward order; none where the model cannot be explained.
        methods: name -> title of each way to a map; none either.
        examples: images to try.
        errors: wrong answers of the evaluation, the surest first; None where there was none.
        max_bytes: largest image.
        asks_for_key: whether programs need one.
    """

    card: dict[str, Any]
    layers: list[LayerChoice]
    methods: dict[str, str]
    examples: list[KeptImage]
    errors: list[KeptImage] | None
    max_bytes: int
    asks_for_key: bool

    @property
    def classes(self) -> list[str]:
        """The class names in index order."""
        names: list[str] = self.card["classes"]
        return names

    @property
    def most_classes(self) -> int:
        """How many of the best classes can be shown."""
        return min(10, len(self.classes))


async def gather(service: Service, asks_for_key: bool) -> Facts:
    """Look everything up, for the model that serves now.

    Raises:
        RefusedError: 503, there is none yet.
    """
    model = service.model
    run: Path = model.predictor.file.parent
    layers = await service.explanations.layers(model)
    evaluated = (run / MISCLASSIFIED).is_dir()
    return Facts(
        card=described(model),
        layers=layers,
        methods=_methods() if layers else {},
        examples=kept_images(run / EXAMPLES),
        errors=kept_images(run / MISCLASSIFIED) if evaluated else None,
        max_bytes=service.settings.max_body,
        asks_for_key=asks_for_key,
    )


def _methods() -> dict[str, str]:
    from imgclf.explain import METHODS  # noqa: PLC0415 - brings torch, which an exported model does without

    methods, _ = METHODS.every()
    ordered = sorted(methods, key=lambda name: name != "gradcam")  # the first is what the page begins with
    return {name: methods[name].title for name in ordered}
