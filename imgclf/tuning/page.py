"""``report.html`` of a search: the result, the pictures, every trial, the recipe."""

from collections.abc import Iterable

from markupsafe import Markup

from imgclf.reports import (
    Section,
    Tile,
    figure_html,
    html_page,
    sentence_html,
    table_html,
    tiles_html,
)
from imgclf.tuning.record import TrialRecord
from imgclf.tuning.result import SearchResult
from imgclf.tuning.settings import SearchSettings
from imgclf.tuning.words import metric_name, metric_text, param_text
from imgclf.words import duration

_STYLE = """<style>
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; overflow-x: auto; }
</style>"""


def search_page(result: SearchResult, settings: SearchSettings, recipe: str) -> str:
    """Return the page as HTML.

    Args:
        result: what the search came to.
        settings: what it was begun with.
        recipe: the text of ``best.toml``.
    """
    pictures = [
        figure_html(result.files["history"], "Every trial in order; far worse ones stand at the edge")
    ]
    if "parameters" in result.files:
        pictures.append(figure_html(result.files["parameters"], "What each setting did"))
    sections = [
        Section("Result", Markup("").join(_result(result))),
        Section("Pictures", Markup("").join(pictures)),
        Section("Trials", _table(result, settings)),
        Section("The best recipe", Markup("<pre><code>{}</code></pre>").format(recipe), open=False),
    ]
    dataset = settings.config.data.dataset
    subtitle = f"{len(result.trials)} trials on {dataset}, judged by {metric_name(result.metric)}; test was not touched."
    return html_page("Search for hyper-parameters", subtitle, sections, head_html=_STYLE)


def _result(result: SearchResult) -> Iterable[Markup]:
    best, first = result.best, result.trials[0]
    states = [trial.state for trial in result.trials]
    yield tiles_html(
        [
            Tile(
                f"Best {metric_name(result.metric)}",
                metric_text(result.metric, best.value),
                f"trial {best.number}",
            ),
            Tile("The recipe as it is", metric_text(result.metric, first.value) or first.state, "trial 0"),
            Tile(
                "Trials",
                str(len(states)),
                f"{states.count('pruned')} pruned, {states.count('failed')} failed",
            ),
            Tile("Time", duration(sum(trial.seconds for trial in result.trials)), "all trials"),
        ]
    )
    if best.params:
        yield table_html(
            ("setting", "value"), [(key, param_text(value)) for key, value in best.params.items()]
        )
    else:
        yield sentence_html("No trial was better than the recipe as it is.", "note")
    if result.note:
        yield sentence_html(result.note, "note")


def _table(result: SearchResult, settings: SearchSettings) -> Markup:
    keys = list(settings.space.dimensions)
    ends = ("reason",) if any(trial.reason for trial in result.trials) else ()
    heads = ("trial", "state", metric_name(result.metric), "epochs", "seconds", *keys, *ends)
    return table_html(heads, [_row(trial, result.metric, keys, bool(ends)) for trial in result.trials])


def _row(trial: TrialRecord, metric: str, keys: list[str], reason: bool) -> tuple[str, ...]:
    return (
        str(trial.number),
        trial.state,
        metric_text(metric, trial.value),
        str(trial.epochs),
        f"{trial.seconds:.1f}",
        *(param_text(trial.params.get(key)) for key in keys),
        *((trial.reason,) if reason else ()),
    )
