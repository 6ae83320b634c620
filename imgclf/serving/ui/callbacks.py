"""What happens when a person does something: each function takes what is on the page and returns what will be."""

from typing import Any, cast, final

import gradio as gr
from starlette.requests import Request

from imgclf.serving.api.image_routes import predict_image
from imgclf.serving.api.uploads import decode_base64
from imgclf.serving.http.problems import RefusedError, defect
from imgclf.serving.http.tracing import trace_of
from imgclf.serving.model.explaining import Explanation, Wish, data_url
from imgclf.serving.service import Service
from imgclf.serving.ui import fragments, snippets
from imgclf.serving.ui.facts import Facts

_NO_PICTURE = "Choose an image, and the answer will be here."


@final
class Callbacks:
    """All of them; they work with the service that answers programs too.

    Args:
        service: holds the model.
        facts: what the page was built with.
    """

    def __init__(self, service: Service, facts: Facts) -> None:
        self._service = service
        self._facts = facts

    async def classify(
        self, request: gr.Request, picture: Any, top_k: float, *shown: Any
    ) -> tuple[str, str, str]:
        """Say what is in the picture.

        Args:
            request: the page's.
            picture: what was chosen.
            top_k: how many classes.
            shown: whether there is a map, and which: for the calls only.

        Returns:
            The answer, and the calls that ask the same.
        """
        if not _chosen(picture):
            return fragments.hint(_NO_PICTURE), *self._calls(request, picture, top_k, shown)
        try:
            content = self._content(picture)
            given = fragments.prediction(
                await predict_image(self._service, _web(request), content, int(top_k))
            )
        except Exception as error:  # a person gets a sentence, whatever it was
            given = _problem(error, request)
        return given, *self._calls(request, picture, top_k, shown)

    async def explain(
        self, request: gr.Request, picture: Any, top_k: float, *shown: Any
    ) -> tuple[str, str, str]:
        """Show where in the picture the model sees a class.

        Args:
            request: the page's.
            picture: what was chosen.
            top_k: how many classes, for the calls only.
            shown: whether a map is wanted; method, layer, target and opacity.

        Returns:
            The map, and the calls that ask the same.
        """
        calls = self._calls(request, picture, top_k, shown)
        wanted, *wish = shown
        if not wanted:
            return "", *calls
        if not _chosen(picture):
            return fragments.hint("Choose an image first."), *calls
        try:
            explanation = await self._explanation(self._content(picture), Wish(*wish), _web(request))
        except Exception as error:  # as above
            return _problem(error, request), *calls
        return fragments.explained(explanation, self._facts.methods[wish[0]]), *calls

    async def errors(self, request: gr.Request, count: float, *shown: Any) -> str:
        """Show the first wrong answers of the evaluation.

        Args:
            request: the page's.
            count: how many.
            shown: whether with maps; method, layer and opacity.
        """
        kept = (self._facts.errors or [])[: int(count)]
        overlays = [""] * len(kept)
        try:
            if shown and shown[0]:
                _, method, layer, opacity = shown
                wish = Wish(method, layer, "predicted", opacity)
                overlays = [await self._overlay(one.path.read_bytes(), wish, _web(request)) for one in kept]
        except Exception as error:  # as above
            return _problem(error, request)
        return fragments.error_cards(enumerate(zip(kept, overlays, strict=True)))

    def _calls(
        self, request: gr.Request, picture: Any, top_k: float, shown: tuple[Any, ...]
    ) -> tuple[str, str]:
        """Return how a program asks the same: for a shell, and in Python."""
        web = _web(request)
        call = snippets.Call(
            server=f"{web.url.scheme}://{web.headers.get('host', web.url.netloc)}",
            file=str(picture["name"]) if _chosen(picture) else "photo.jpg",
            top_k=int(top_k),
            wish=Wish(*shown[1:]) if shown and shown[0] else None,
            with_key=self._facts.asks_for_key,
        )
        return snippets.curl(call), snippets.python(call)

    def _content(self, picture: dict[str, str]) -> bytes:
        """Return the encoded image that the page sent.

        Raises:
            RefusedError: it is too large, or the page was changed.
        """
        content = decode_base64(picture["data"])
        if len(content) > self._facts.max_bytes:
            raise RefusedError(
                413,
                f"The image has {len(content) / 1e6:.1f} MB, and {self._facts.max_bytes / 1e6:g} MB are the most "
                f"that this server takes. Choose a smaller one.",
            )
        return content

    async def _explanation(self, content: bytes, wish: Wish, web: Request) -> Explanation:
        service, model, trace = self._service, self._service.model, trace_of(web)
        explanation = await service.explanations.explain(model, content, wish, service.settings.deadline)
        trace.model = model.fingerprint
        trace.predictions = [*trace.predictions, str(explanation.prediction.label)]
        return explanation

    async def _overlay(self, content: bytes, wish: Wish, web: Request) -> str:
        explanation = await self._explanation(content, wish, web)
        return data_url(explanation.maps[0]["overlay"])


def _chosen(picture: Any) -> bool:
    return isinstance(picture, dict) and isinstance(picture.get("data"), str) and bool(picture["data"])


def _web(request: gr.Request) -> Request:
    return cast(Request, request.request)


def _problem(error: Exception, request: gr.Request) -> str:
    """Return the sentence that an endpoint would have answered, and leave a defect to the log."""
    trace = trace_of(_web(request))
    if not isinstance(error, RefusedError):
        trace.error = error
        error = defect(trace.id)
    return fragments.problem(error.sentence)
