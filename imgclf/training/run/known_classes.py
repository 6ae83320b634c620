"""Keep what a model file knows of classes with the same names: adding a class costs that class, not the others."""

from pathlib import Path

import torch

from imgclf.models import Classifier, WeightsFile, draw_head, read_weights_file

_SHOWN = 5


def keep_known_classes(
    classifier: Classifier, weights: Path, class_names: tuple[str, ...]
) -> tuple[str, ...]:
    """Put the rows of a model file's classifier where the classes of the same name stand now, in place.

    Rows of other classes start anew: a file's rows by their place would be those of other classes.

    Args:
        classifier: just built from the file.
        weights: the file; nothing is done where it is not one of ours, which alone know their classes.
        class_names: K names in index order.

    Returns:
        A sentence for the user, where something was done.
    """
    file = read_weights_file(weights)
    if file.header is None or file.header.class_names == class_names or classifier.hidden_head is not None:
        return ()
    places = {name: place for place, name in enumerate(file.header.class_names)}
    known = [name for name in class_names if name in places]
    draw_head(classifier)
    pairs = [
        (own, stored)
        for layer, own in _head_tensors(classifier)
        if (stored := _stored(file, layer)) is not None
        and stored.shape[1:] == own.shape[1:]
        and len(stored) == len(places)
    ]
    if not known or not pairs:
        return ()
    with torch.no_grad():
        for own, stored in pairs:
            for index, name in enumerate(class_names):
                if name in places:
                    own[index] = stored[places[name]].to(own)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return (
        f"The classifier keeps what {weights.name} knows of {', '.join(known[:_SHOWN])}{more}, by their names.",
    )


def _head_tensors(classifier: Classifier) -> list[tuple[str, torch.nn.Parameter]]:
    """The parameters of the network's own classifiers, by their names in the network."""
    head = {id(parameter) for parameter in classifier.head_parameters()}
    return [(name, own) for name, own in classifier.network.named_parameters() if id(own) in head]


def _stored(file: WeightsFile, name: str) -> torch.Tensor | None:
    return file.tensors.get(name, file.tensors.get(f"network.{name}"))
