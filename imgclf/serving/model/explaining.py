"""Saliency maps for the server: one at a time, beside the answers and never in their way.

torch is imported with the first map: a server of an exported model has none.
"""

import asyncio
import base64
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, final

import numpy as np
from PIL import Image

from imgclf.data import read_image, thumbnail
from imgclf.errors import ImageError, MissingExtraError, ModelError, OutOfMemoryError, UsageError
from imgclf.records import Prediction
from imgclf.serving.http.problems import RefusedError, overloaded
from imgclf.serving.model.loaded import LoadedModel
from imgclf.serving.model.memory import give_back

if TYPE_CHECKING:
    from imgclf.explain import Explainer

_MOST_WAITING = 8
_SIDE = 1024
"""Pixels of a picture's longer side at most: a photo of 50 megapixels would take a minute to encode."""


@dataclass(frozen=True)
class Wish:
    """What a client wants to see.

    Attributes:
        method: name of a method.
        layer: index, name or ``auto``.
        target: ``predicted``, ``top-K``, a class name or its index.
        opacity: of the colours over the image, in [0, 1].
    """

    method: str
    layer: str
    target: str
    opacity: float


@dataclass(frozen=True)
class LayerChoice:
    """A layer that a map can be of.

    Attributes:
        index: what ``layer`` takes.
        name: of the module.
        grid: (height, width) of its map.
    """

    index: int
    name: str
    grid: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Explanation:
    """One image with its maps.

    Attributes:
        prediction: what the model says.
        maps: for each explained class plain values, its picture under ``overlay`` as an encoded PNG.
        picture: the image as a person sees it, RGB, of the overlay's size.
    """

    prediction: Prediction
    maps: list[dict[str, Any]]
    picture: Image.Image


@final
class Explanations:
    """One thread that explains; whoever comes while too many wait is refused."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "imgclf-explain")
        self._waiting = 0
        self._explainer: Explainer | None = None
        self._prepared: Future[None] | None = None

    def prepare(self, model: LoadedModel) -> None:
        """Begin to import what maps need and to open the network, which takes seconds that no request should pay for.

        At the start where torch computes anyway, else with the first map: a server that shows none goes without torch.
        """
        if self._prepared is None:
            self._prepared = self._pool.submit(self._import, model)

    async def explain(self, model: LoadedModel, content: bytes, wish: Wish, seconds: float) -> Explanation:
        """Explain one image.

        Raises:
            RefusedError: 422 for what cannot be chosen, 503 when too many wait, 504 when it took too long; and
                those of an image that cannot be read.
        """
        if not model.predictor.has_network:
            raise RefusedError(
                422,
                "This server has an exported model, which shows no layers and no gradients. Serve the run it was "
                "exported from.",
            )
        if self._waiting >= _MOST_WAITING:
            raise overloaded(
                f"{self._waiting} images are waiting to be explained. Try again in a few seconds.", 3
            )
        self.prepare(model)
        if self._prepared is not None:  # outside the deadline
            await asyncio.shield(asyncio.wrap_future(self._prepared))
        _check(wish)
        self._waiting += 1
        work = self._pool.submit(partial(self._explained, model, content, wish))
        loop = asyncio.get_running_loop()
        work.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(work), seconds)
        except TimeoutError:
            raise RefusedError(
                504,
                f"There was no map within {seconds:g} seconds. Choose a faster method, such as gradcam.",
            ) from None

    async def layers(self, model: LoadedModel) -> list[LayerChoice]:
        """Return the layers to choose from, in forward order; none for an exported model."""
        if not model.predictor.has_network:
            return []
        return await asyncio.wrap_future(self._pool.submit(self._layers, model))

    def close(self) -> None:
        """Let the thread go."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _import(self, model: LoadedModel) -> None:
        from imgclf.figures import overlay  # noqa: F401, PLC0415 - brings matplotlib

        self._explainer_of(model)

    def _done(self) -> None:
        self._waiting -= 1

    def _explained(self, model: LoadedModel, content: bytes, wish: Wish) -> Explanation:
        spec = model.predictor.header.preprocessing
        try:
            image = read_image(content, channels=spec.channels, name="The image")
            return self._of_image(model, image, content, wish)
        except ImageError as error:
            raise RefusedError.of_image(error) from None
        except (UsageError, ModelError, MissingExtraError) as error:
            raise RefusedError(422, str(error)) from None
        except OutOfMemoryError as error:
            raise overloaded(str(error), 5) from None
        finally:
            give_back()

    def _of_image(self, model: LoadedModel, image: Image.Image, content: bytes, wish: Wish) -> Explanation:
        from imgclf.explain import Options, Subject, explanations, resolve  # noqa: PLC0415 - brings torch

        explainer = self._explainer_of(model)
        layer = int(wish.layer) if wish.layer.lstrip("-").isdecimal() else wish.layer
        wanted = resolve(explainer, Options(methods=(wish.method,), layers=(layer,), target=wish.target))
        (found,) = explanations(explainer, [Subject(content, "image")], wanted)
        if found.prediction.error is not None:
            raise RefusedError(500, f"There is no prediction: {found.prediction.error}.")
        small = thumbnail(image.convert("RGB"), _SIDE)
        size = (small.height, small.width)
        spec = model.predictor.header.preprocessing
        maps = [
            {
                "target": one.target,
                "target_confidence": one.target_confidence,
                "method": one.method,
                "layer": one.layer,
                "remark": one.remark,
                "overlay": _png(np.asarray(small), one.on_original(size, spec), wish.opacity),
                "values": np.round(one.scaled(), 4).tolist(),
            }
            for one in found.maps
        ]
        return Explanation(found.prediction, maps, small)

    def _layers(self, model: LoadedModel) -> list[LayerChoice]:
        found = self._explainer_of(model).layers()
        return [LayerChoice(layer.index, layer.name, layer.grid) for layer in found]

    def _explainer_of(self, model: LoadedModel) -> "Explainer":
        """Return the one explainer, made anew after a swap; only its thread calls this."""
        from imgclf.explain import Explainer  # noqa: PLC0415 - brings torch

        if self._explainer is None or self._explainer.predictor is not model.predictor:
            model.predictor.limit_threads(1)
            self._explainer = Explainer(model.predictor)
        return self._explainer


def _check(wish: Wish) -> None:
    """Refuse what no model can show, before it waits behind others.

    Raises:
        RefusedError: 422.
    """
    from imgclf.explain import choose_methods  # noqa: PLC0415 - brings torch

    try:
        choose_methods((wish.method,))
    except (UsageError, MissingExtraError) as error:
        raise RefusedError(422, str(error)) from None
    if wish.target == "true":
        raise RefusedError(
            422, "The server does not know what the image shows: choose another target than 'true'."
        )


def data_url(png: bytes) -> str:
    """Return a picture as a page or a JSON text can hold it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _png(image: np.ndarray, values: np.ndarray, opacity: float) -> bytes:
    from imgclf.figures import overlay  # noqa: PLC0415 - brings matplotlib

    buffer = BytesIO()
    Image.fromarray(overlay(image, values, opacity=opacity)).save(buffer, "PNG")
    return buffer.getvalue()
