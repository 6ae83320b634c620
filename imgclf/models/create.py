"""Make a classifier: for training by name, or again from a model file's header."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from timm.models import PretrainedCfg, get_pretrained_cfg
from torch import Tensor, nn

from imgclf.errors import ModelError
from imgclf.models.build import build_network, takes_image_size
from imgclf.models.classifier import Classifier, Origin
from imgclf.models.heads import draw_head
from imgclf.models.input_spec import input_spec_of_cfg, input_spec_of_header
from imgclf.models.names import NetworkName, find_network
from imgclf.models.pretrained import PretrainedWeights, find_pretrained, without_pretrained
from imgclf.models.sizes import blame_image_size, check_image_size, default_image_size
from imgclf.models.weights_file import WeightsFile, read_weights_file
from imgclf.models.weights_fit import fit_weights
from imgclf.records import ModelHeader

NO_HEAD = {"dropout": 0.0, "hidden": 0}


def create_classifier(  # noqa: PLR0913 - one argument for each thing that a config's model section says
    name: str,
    num_classes: int,
    *,
    pretrained: str = "auto",
    weights: Path | None = None,
    image_size: tuple[int, int] | None = None,
    data_size: tuple[int, int] | None = None,
    channels: int = 3,
    head: Mapping[str, Any] | None = None,
    arch_args: Mapping[str, Any] | None = None,
) -> Classifier:
    """Make a classifier by its timm name.

    Args:
        name: any timm name, one of ours or of a plugin, with or without a pretrained tag.
        num_classes: K.
        pretrained: ``auto`` takes pretrained weights when they are bundled, cached or can be fetched, ``yes``
            insists on them, ``no`` declines.
        weights: a local file to start from instead: safetensors, a state dict, or a model file of ours.
        image_size: (height, width) in pixels; None takes that of the weights in use, and from scratch the data's
            own size within 32 to 224.
        data_size: (height, width) of the images; used only without ``image_size``.
        channels: colour channels of the input, 1 or 3.
        head: ``{"dropout": float, "hidden": int}``. Dropout 0 leaves the network's own dropout as it is.
        arch_args: further keyword arguments of ``timm.create_model``.

    Raises:
        ModelError: the name, the arguments, the image size or the weights do not fit, or ``yes`` met no weights.
        PluginError: the plugin that has this network is broken or refused.
    """
    network = find_network(name)
    plan = _Plan(network, num_classes, channels, {**NO_HEAD, **(head or {})}, dict(arch_args or {}))
    if weights is not None:
        return _from_file(plan, read_weights_file(weights), image_size)
    found, note = find_pretrained(network, pretrained)
    if found is not None:
        try:
            return _from_pretrained(plan, found, image_size)
        except ModelError:
            raise
        except Exception as error:  # The server, the cache, a plugin's file: nobody can list what they raise.
            note = without_pretrained(pretrained, network, error)
    size = image_size or default_image_size(network.name, data_size, channels)
    built = plan.build(size)
    plan.check(built, size)
    classifier = plan.classifier(built, size, notes=(note,) if note else ())
    if (
        network.origin != "imgclf"
    ):  # Ours start near ln(K) by their own draw, and learn no faster by this one.
        draw_head(classifier)
    return classifier


def classifier_from_header(header: ModelHeader, weights: Mapping[str, Tensor]) -> Classifier:
    """Rebuild the classifier of a model file.

    Args:
        header: what the file says of itself.
        weights: its tensors.

    Returns:
        The classifier in eval mode, on the CPU. Nothing is downloaded.

    Raises:
        ModelError: the network is unknown here, or the tensors are not its own.
        PluginError: the plugin that has this network is broken or refused.
    """
    preprocessing = header.preprocessing
    plan = _Plan(
        _network_of(header),
        len(header.class_names),
        preprocessing.channels,
        header.head,
        header.arch_args,
    )
    classifier = plan.classifier(plan.build(preprocessing.image_size), preprocessing.image_size)
    try:
        classifier.load_state_dict(dict(weights))
    except RuntimeError as error:
        first = str(error).strip().splitlines()[1:2]
        detail = f" ({first[0].strip().rstrip('.')})" if first else ""
        raise ModelError(
            f"The model file's tensors are not those of '{header.arch}' as this version builds it{detail}. Train "
            f"again, or use the versions of timm and imgclf that wrote it."
        ) from None
    return classifier.eval()


def _network_of(header: ModelHeader) -> NetworkName:
    try:
        return find_network(header.arch)
    except ModelError as error:
        package = header.provenance.get("model_package")
        if not package:
            raise
        raise ModelError(f"{error} The network came with the package {package}: install it.") from error


@dataclass(frozen=True)
class _Plan:
    """What is known before the weights are: enough to build the network at some image size."""

    network: NetworkName
    num_classes: int
    channels: int
    head: Mapping[str, Any]
    arch_args: Mapping[str, Any]

    def build(self, size: tuple[int, int], overlay: Mapping[str, Any] | None = None) -> Any:
        """Build the network; with ``overlay``, from pretrained weights."""
        args = self.stored_args(size)
        dropout, hidden = self.head["dropout"], self.head["hidden"]
        if dropout and not hidden:
            if "drop_rate" in args:
                raise ModelError(
                    f"Dropout is given twice: head.dropout={dropout} and drop_rate={args['drop_rate']} among the "
                    f"model's arguments. Keep one of them."
                )
            args["drop_rate"] = dropout
        try:
            return build_network(self.network.name, 0 if hidden else self.num_classes, args, overlay)
        except ModelError as error:
            if "img_size" in args and "img_size" not in self.arch_args:
                raise blame_image_size(error, self.network.name, args, size, self.channels) from error
            raise

    def check(self, network: Any, size: tuple[int, int]) -> None:
        """Raise a ModelError where the network does not take images of this size."""
        check_image_size(network, self.network.name, self.stored_args(size), size, self.channels)

    def stored_args(self, size: tuple[int, int]) -> dict[str, Any]:
        """Return the keyword arguments that rebuild the network, as JSON values."""
        args = {**self.arch_args, "in_chans": self.channels}
        if takes_image_size(self.network.name) and not args.get("dynamic_img_size"):
            args.setdefault("img_size", list(size))
        return args

    def classifier(self, network: Any, size: tuple[int, int], **origin: Any) -> Classifier:
        """Put the head on the network; ``origin`` says where its weights come from."""
        notes = (*self.network.notes, *origin.pop("notes", ()))
        stored = Origin(
            arch=self.network.name,
            arch_args=self.stored_args(size),
            head=dict(self.head),
            image_size=size,
            package=self.network.origin,
            notes=notes,
            **origin,
        )
        hidden = int(self.head["hidden"])
        head = _hidden_head(network, hidden, self.head["dropout"], self.num_classes) if hidden else None
        return Classifier(network, self.num_classes, stored, head)


def _from_pretrained(plan: _Plan, found: PretrainedWeights, image_size: tuple[int, int] | None) -> Classifier:
    spec = input_spec_of_cfg(found.cfg, plan.channels)
    size = image_size or spec.image_size
    network = plan.build(size, found.overlay)
    plan.check(network, size)
    classifier = plan.classifier(network, size, input_spec=spec, pretrained_source=found.source)
    if plan.head["hidden"] or found.cfg.num_classes != plan.num_classes:
        draw_head(classifier)
    return classifier


def _from_file(plan: _Plan, file: WeightsFile, image_size: tuple[int, int] | None) -> Classifier:
    if file.header is not None:
        spec = input_spec_of_header(file.header.preprocessing, plan.channels)
    else:
        # A bare file does not say: most likely its network's usual input.
        spec = input_spec_of_cfg(get_pretrained_cfg(plan.network.name) or PretrainedCfg(), plan.channels)
    size = image_size or spec.image_size
    network = plan.build(size)
    fit = fit_weights(network, file, plan.network.name)
    plan.check(network, size)
    source = f"file {file.path}"
    classifier = plan.classifier(network, size, input_spec=spec, pretrained_source=source, notes=(fit.note,))
    if not fit.classifier:
        draw_head(classifier)
    return classifier


def _hidden_head(network: Any, hidden: int, dropout: float, num_classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(network.head_hidden_size, hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(hidden, num_classes),
    )
