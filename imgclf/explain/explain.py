"""Explain images: maps, overlays, panels, an index and a page in one folder."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgclf.atomic import write_text
from imgclf.errors import UsageError
from imgclf.explain.check import Checker
from imgclf.explain.explainer import Explainer
from imgclf.explain.explanations import Explanation, Wanted, explanations
from imgclf.explain.page import check_section, explain_page
from imgclf.explain.report import Explained, ExplainReport
from imgclf.explain.subjects import Subject, as_subjects
from imgclf.explain.targets import choose_target
from imgclf.explain.writing import Look, write_explanation, write_index
from imgclf.figures import COLORMAP, OPACITY, check_colormap
from imgclf.folders import dated, make_folder, new_folder
from imgclf.inference import Predictor, Source
from imgclf.records import OnProgress, Progress


@dataclass(frozen=True)
class Options:
    """How to explain.

    Attributes:
        methods: names of methods, several side by side.
        layers: indices into the feature layers (negative from the end), names of modules, or ``auto``.
        target: ``predicted``, ``true``, ``top-K``, a class name or its index.
        smooth: average each map over flips and contrasts.
        colormap: a name of matplotlib's.
        opacity: of the colours over the image, in [0, 1].
        check: score the maps against a random one and the image's centre.
        check_images: of more images than that, so many are drawn at random to be checked.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    methods: tuple[str, ...] = ("gradcam",)
    layers: tuple[int | str, ...] = ("auto",)
    target: str = "predicted"
    smooth: bool = False
    colormap: str = COLORMAP
    opacity: float = OPACITY
    check: bool = False
    check_images: int = 32
    device: str = "auto"


def explain(
    sources: Source | Subject | Iterable[Source | Subject],
    run: str | Path | Predictor,
    *,
    options: Options | None = None,
    out: Path | None = None,
    progress: OnProgress = None,
) -> ExplainReport:
    """Show where in images a model sees the class that it predicts.

    Writes for each image a panel (original, map and overlay side by side), each overlay in the original's own size and
    coordinates, and each raw map; an index (``index.csv``) and a page (``explain.html``) of all.

    Args:
        sources: paths, encoded images, PIL images, arrays, or :class:`Subject` with their true class. A stream is
            consumed as the maps are made; the memory in use does not depend on its length.
        run: a run, a model file, or an opened predictor.
        options: how to explain.
        out: the folder to write to; by default a new one in the run's ``explain/``.
        progress: told how far it is.

    Raises:
        UsageError: an unknown method, target or colormap, an ONNX file, or no image at all.
        ModelError: there is no such layer, or the method cannot explain this network.
        RunError: there is no such run, or the folder cannot be written to.
        MissingExtraError: a method needs an extra that is not installed.
    """
    begun = time.monotonic()
    options = options or Options()
    look = Look(check_colormap(options.colormap), _checked_opacity(options.opacity))
    predictor = (
        run if isinstance(run, Predictor) else Predictor.open(run, device=options.device, runtime="torch")
    )
    explainer = Explainer(predictor)
    wanted = resolve(explainer, options)
    folder = out or _new_folder(predictor.file)
    make_folder(folder)
    total = len(sources) if isinstance(sources, Sequence) and not isinstance(sources, str | bytes) else None
    checker = Checker(explainer, options.check_images) if options.check else None
    images: list[Explained] = []
    thumbnails: list[tuple[bytes, ...]] = []
    for explanation in explanations(explainer, as_subjects(sources, predictor.class_names), wanted):
        if checker:
            _offer(checker, explanation, predictor.class_names)
        number, spec = len(images) + 1, predictor.header.preprocessing
        record, small = write_explanation(folder, number, explanation, spec, look)
        images.append(record)
        thumbnails.append(small)
        if progress:
            progress(Progress("Explaining", len(images), total, images[-1].label or ""))
    if not images:
        raise UsageError("There is no image to explain.")
    page, index = folder / "explain.html", write_index(folder / "index.csv", images)
    checks = checker.score(progress) if checker else ()
    sections = [check_section(checks)] if checks else []
    write_text(page, explain_page(images, thumbnails, _about(predictor, options), sections))
    return ExplainReport(folder, tuple(images), page, index, time.monotonic() - begun, checks)


def _offer(checker: Checker, explanation: Explanation, class_names: Sequence[str]) -> None:
    """Let the maps of each target of an image be checked."""
    pixels = explanation.opened.pixels
    for name in dict.fromkeys(one.target for one in explanation.maps):
        if pixels is not None:
            maps = [one for one in explanation.maps if one.target == name]
            checker.offer(pixels, class_names.index(name), maps)


def resolve(explainer: Explainer, options: Options) -> Wanted:
    """Turn names into methods, layers of the model and a target.

    Raises:
        UsageError: an unknown method or target.
        ModelError: there is no such layer.
    """
    methods = explainer.methods(options.methods)
    needed = any(method.by_layer for method in methods)
    layers = [explainer.layer(choice) for choice in options.layers] if needed else []
    return Wanted(
        target=choose_target(options.target, explainer.predictor.class_names),
        methods=methods,
        layers=tuple({layer.name: layer for layer in layers}.values()),
        smooth=options.smooth,
    )


def _checked_opacity(opacity: float) -> float:
    if not 0.0 <= opacity <= 1.0:
        raise UsageError(f"The opacity must be from 0 (only the image) to 1 (only the map), got {opacity}.")
    return opacity


def _about(predictor: Predictor, options: Options) -> str:
    header = predictor.header
    methods, layers = ", ".join(options.methods), ", ".join(str(layer) for layer in options.layers)
    return f"{header.arch} from {predictor.file.parent.name or predictor.file.name}: {methods}, layer {layers}, target {options.target}."


def _new_folder(model_file: Path) -> Path:
    """Return a folder that does not exist yet: in the run, or here for a model file without one."""
    parent = (
        model_file.parent / "explain" if (model_file.parent / "config.toml").is_file() else Path("explain")
    )
    return new_folder(parent / dated())
