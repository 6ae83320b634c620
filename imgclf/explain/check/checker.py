"""Does the map mean anything? Its scores beside those of a random map and of the image's centre."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from imgclf.explain.check.perturbing import deletion_and_insertion
from imgclf.explain.check.road import road
from imgclf.explain.explainer import Explainer
from imgclf.explain.saliency import Saliency
from imgclf.records import OnProgress, Progress

RANDOM, CENTRE = "random", "centre"
_CELLS = 7  # of the random map a side: as coarse as maps are
_Z = 1.96  # 95 % of a normal distribution


@dataclass(frozen=True)
class CheckRow:
    """How one kind of map did over the batch.

    Attributes:
        method: a method's name, ``random`` or ``centre``.
        layer: the layer's name; empty for the rivals.
        images: how many.
        deletion: mean probability left while the most important pixels go; lower is better.
        insertion: mean probability while they come; higher is better.
        road: mean ROAD score; higher is better.
        lead: mean over images of insertion - deletion, less the better rival's; positive is better.
        margin: half the 95 % interval of ``lead``.
        verdict: ``better``, ``no better`` or ``worse`` than the better rival; empty for the rivals.
    """

    method: str
    layer: str
    images: int
    deletion: float
    insertion: float
    road: float
    lead: float = 0.0
    margin: float = 0.0
    verdict: str = ""

    @property
    def sentence(self) -> str:
        """The verdict, for a person."""
        where = f" at {self.layer}" if self.layer else ""
        meaning = {
            "better": "its maps point at what the prediction rests on",
            "no better": "do not read meaning into its maps, or check more images",
            "worse": "its maps point away from what the prediction rests on",
        }[self.verdict]
        rivals = "a random map and the image's centre"
        return (
            f"{self.method}{where} is {self.verdict} than {rivals} over {self.images} images "
            f"(lead {self.lead:+.3f} ± {self.margin:.3f}): {meaning}."
        )


class Checker:
    """Scores maps image by image; keeps a bounded number of them.

    Args:
        explainer: the model.
        most: of more maps than that, so many are drawn at random.
        seed: of the random maps and of the draw.
    """

    def __init__(self, explainer: Explainer, most: int = 32, seed: int = 0) -> None:
        self._explainer = explainer
        self._most = most
        self._generator = np.random.default_rng(seed)
        self._offered = 0
        self._drawn: list[tuple[np.ndarray, int, tuple[Saliency, ...]]] = []
        self._scores: dict[tuple[str, str], list[tuple[float, float, float]]] = {}

    def offer(self, pixels: np.ndarray, class_index: int, maps: Iterable[Saliency]) -> None:
        """Put the maps of one image for one class in the draw, each with the same chance to be scored.

        Args:
            pixels: uint8 (H, W, C), preprocessed.
            class_index: the class that the maps explain.
            maps: one of each method and layer.
        """
        self._offered += 1
        given = (pixels, class_index, tuple(maps))
        if len(self._drawn) < self._most:
            self._drawn.append(given)
        elif (place := int(self._generator.integers(self._offered))) < self._most:
            self._drawn[place] = given

    def score(self, progress: OnProgress = None) -> tuple[CheckRow, ...]:
        """Score what was drawn, and the rivals beside it, and return :meth:`rows`.

        Args:
            progress: told how many images are done and how long the rest will take.
        """
        begun, total = time.monotonic(), len(self._drawn)
        for done, given in enumerate(self._drawn, start=1):
            self.add(*given)
            if progress:
                left = (time.monotonic() - begun) / done * (total - done)
                progress(Progress("Checking maps", done, total, f"about {left:.0f} s left"))
        return self.rows()

    def add(self, pixels: np.ndarray, class_index: int, maps: Iterable[Saliency]) -> None:
        """Score the maps of one image for one class, and the rivals beside them; arguments as for :meth:`offer`."""
        size = pixels.shape[0], pixels.shape[1]
        orders = {(one.method, one.layer): one.on_input(size) for one in maps}
        orders[RANDOM, ""], orders[CENTRE, ""] = self._random(size), _centred(size)
        stacked = np.stack(list(orders.values()))
        roads = self._explainer.compute(
            pixels[None], lambda network, image: road(network, image, class_index, stacked)
        )
        areas = deletion_and_insertion(self._explainer.predictor.probabilities, pixels, class_index, stacked)
        for name, (gone, come), score in zip(orders, areas.tolist(), roads.tolist(), strict=True):
            self._scores.setdefault(name, []).append((gone, come, score))

    def rows(self) -> tuple[CheckRow, ...]:
        """Return the table: the methods, the one with the greatest lead first, then the rivals."""
        if not self._scores:
            return ()
        scores = {name: np.array(values) for name, values in self._scores.items()}
        overall = {name: values[:, 1] - values[:, 0] for name, values in scores.items()}
        rival = max((overall[RANDOM, ""], overall[CENTRE, ""]), key=lambda values: float(values.mean()))
        rows = []
        for name, values in scores.items():
            deletion, insertion, road = (float(mean) for mean in values.mean(axis=0))
            row = CheckRow(*name, len(values), deletion, insertion, road)
            rows.append(row if name[0] in (RANDOM, CENTRE) else _judged(row, overall[name] - rival))
        return tuple(sorted(rows, key=lambda row: (not row.verdict, -row.lead)))

    def _random(self, size: tuple[int, int]) -> np.ndarray:
        cells = self._generator.random((_CELLS, _CELLS), dtype=np.float32)
        return np.asarray(Image.fromarray(cells).resize(size[::-1], Image.Resampling.BILINEAR))


def lead_table(rows: Sequence[CheckRow]) -> tuple[tuple[str, ...], list[tuple[str, ...]]] | None:
    """Return the leads as a table, methods down and layers across: the headings and the rows of cells.

    None where there are not at least two of each, because the list of scores says it all then. The best has a star.
    """
    judged = [row for row in rows if row.verdict and row.layer]
    methods, layers = (
        (tuple(dict.fromkeys(names)) for names in zip(*((r.method, r.layer) for r in judged), strict=True))
        if judged
        else ((), ())
    )
    if len(methods) < 2 or len(layers) < 2:
        return None
    leads = {(row.method, row.layer): row.lead for row in judged}
    best = max(leads.values())

    def cell(place: tuple[str, str]) -> str:
        lead = leads.get(place)
        return "" if lead is None else f"{lead:+.3f}{'*' if lead == best else ''}"

    return ("lead", *layers), [(method, *(cell((method, layer)) for layer in layers)) for method in methods]


def _judged(row: CheckRow, leads: np.ndarray) -> CheckRow:
    """Compare image by image: the lead is clear when its interval does not reach zero."""
    lead = float(leads.mean())
    spread = float(leads.std(ddof=1)) if len(leads) > 1 else float("inf")
    margin = _Z * spread / float(np.sqrt(len(leads)))
    verdict = "no better" if abs(lead) <= margin else ("better" if lead > 0 else "worse")
    return CheckRow(
        row.method, row.layer, row.images, row.deletion, row.insertion, row.road, lead, margin, verdict
    )


def _centred(size: tuple[int, int]) -> np.ndarray:
    """Return a Gaussian in the middle, a quarter of the image wide: where photographers put things."""
    rows, columns = (np.linspace(-2, 2, side, dtype=np.float32) for side in size)
    centred: np.ndarray = np.exp(-(rows[:, None] ** 2 + columns[None] ** 2) / 2)
    return centred
