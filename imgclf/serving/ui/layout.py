"""What is where on the page, and what reacts to what."""

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import gradio as gr

from imgclf.serving.ui import fragments
from imgclf.serving.ui.callbacks import Callbacks
from imgclf.serving.ui.facts import Facts

_SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "DejaVu Sans", "sans-serif")
_MONO = ("ui-monospace", "SF Mono", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")
_BLUES = (
    "#eef6fc",
    "#d9ebf8",
    "#b5d8f0",
    "#85bfe6",
    "#4aa0d9",
    "#0b78c1",
    "#0062a3",
    "#004f85",
    "#06426d",
    "#0a385a",
    "#07243c",
)

NOT_EVALUATED = "This run keeps no errors. Find them with imgclf evaluate, and start the server again."
NO_ERRORS = "The evaluation found no error: every answer was right."
NO_LAYERS = (
    "This is an exported model, which shows no layers: serve the run it was exported from to see maps."
)


def build(facts: Facts, callbacks: Callbacks) -> gr.Blocks:
    """Return the page."""
    title = f"{facts.card['name']} · imgclf"
    page: gr.Blocks = gr.Blocks(analytics_enabled=False, title=title)
    with page:
        _html(fragments.heading(facts.card), js_on_load=asset("health.js") + asset("refusals.js"))
        with gr.Tabs():
            with gr.Tab("Classify", id="classify"):
                _classify(facts, callbacks)
            with gr.Tab("Errors", id="errors"):
                _errors(facts, callbacks)
            with gr.Tab("Model and server", id="model"), gr.Row():
                with gr.Column(min_width=320):
                    _html(fragments.model_card(facts.card))
                with gr.Column(min_width=320):
                    _html(fragments.health_card(), js_on_load="document.dispatchEvent(new Event('look'))")
    return page


def theme() -> gr.themes.Base:
    """Return colours and fonts: those of the reports, and none that would have to be fetched."""
    hue = gr.themes.Color(*_BLUES, name="imgclf")
    return gr.themes.Default(
        primary_hue=hue, neutral_hue=gr.themes.colors.slate, radius_size="md", font=_SANS, font_mono=_MONO
    )


def asset(name: str) -> str:
    """Return a text file of this package."""
    return files("imgclf.serving.ui").joinpath("assets", name).read_text(encoding="utf-8")


def _classify(facts: Facts, callbacks: Callbacks) -> None:
    with gr.Row():
        with gr.Column(min_width=320):
            picture = _html(
                None,
                html_template=asset("picker.html"),
                js_on_load=asset("picker.js"),
                examples=[one.true_label for one in facts.examples],
                limit=facts.max_bytes,
            )
        with gr.Column(min_width=320):
            top_k = gr.Slider(
                1, facts.most_classes, min(5, facts.most_classes), step=1, label="Classes to show"
            )
            answer = _html(fragments.hint("Choose an image, and the answer will be here."))
    inputs: list[Any] = [picture, top_k]
    controls = _map_controls(facts, "Show where the model looks", facts.classes)
    inputs += controls
    saliency = _html("" if controls else fragments.hint(NO_LAYERS))
    curl, python = _code()
    _when([picture.upload, top_k.change], callbacks.classify, inputs, [answer, curl, python])
    if controls:
        triggers = [picture.select, *(control.change for control in controls)]
        _when(triggers, callbacks.explain, inputs, [saliency, curl, python])


def _errors(facts: Facts, callbacks: Callbacks) -> None:
    if not facts.errors:
        _html(fragments.hint(NOT_EVALUATED if facts.errors is None else NO_ERRORS))
        return
    count = gr.Slider(
        1, len(facts.errors), min(12, len(facts.errors)), step=1, label="How many, the surest first"
    )
    inputs: list[Any] = [count, *_map_controls(facts, "Show where the model looked")]
    first = fragments.error_cards(enumerate((one, "") for one in facts.errors[: int(count.value)]))
    gallery = _html(first)
    _when([one.change for one in inputs], callbacks.errors, inputs, [gallery])


def _map_controls(facts: Facts, label: str, classes: Sequence[str] = ()) -> list[Any]:
    """Return what decides about a map: whether, method, layer, for which class (where there are any), and opacity.

    Nothing where the model cannot be explained.
    """
    if not facts.layers:
        return []
    layers = [
        (f"{one.name} ({one.grid[0]} × {one.grid[1]})", str(one.index)) for one in reversed(facts.layers)
    ]
    with gr.Group():
        controls: list[Any] = [gr.Checkbox(False, label=label, elem_classes="show-map")]
        with gr.Row():
            controls += [
                gr.Dropdown(
                    [(title, name) for name, title in facts.methods.items()], label="Method", min_width=150
                ),
                gr.Dropdown([("automatic", "auto"), *layers], label="Layer", min_width=150),
            ]
            if classes:
                predicted = ("predicted", "predicted")
                named = [(name, name) for name in classes]
                controls.append(gr.Dropdown([predicted, *named], label="For which class", min_width=150))
            controls.append(gr.Slider(0, 1, 0.5, step=0.05, label="Opacity", min_width=150))
    return controls


def _html(value: str | None, js_on_load: str | None = None, **options: Any) -> gr.HTML:
    """Return a piece of the page that only our own style sheet dresses.

    A value is put in as it is. Never pass one as a property: Gradio runs what its templates come to as JavaScript.
    """
    return gr.HTML(value, js_on_load=js_on_load, elem_classes="plain", apply_default_css=False, **options)


def _code() -> tuple[gr.Code, gr.Code]:
    look: dict[str, Any] = {
        "interactive": False,
        "show_label": False,
        "wrap_lines": True,
        "show_line_numbers": False,
    }
    with gr.Accordion("Ask the same of the API", open=False):
        with gr.Tab("curl"):
            curl = gr.Code(language="shell", **look)
        with gr.Tab("Python"):
            python = gr.Code(language="python", **look)
    return curl, python


def _when(
    triggers: Sequence[Any], function: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]
) -> None:
    """Call a function whenever something happens; of calls that came while it ran only the last is made."""
    gr.on(
        list(triggers),
        function,
        list(inputs),
        list(outputs),
        queue=False,  # straight to the function: Gradio's own queue lives in one process
        trigger_mode="always_last",
        show_progress="minimal",
        api_visibility="private",
    )
