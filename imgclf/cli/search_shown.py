"""What a search looks like on the terminal: its trials and what they found."""

from typing import TYPE_CHECKING

from imgclf.cli import render
from imgclf.cli.training_shown import TrainReporter

if TYPE_CHECKING:
    from imgclf.tuning import SearchResult, TrialRecord

_SHOWN = 10  # trials in the table


class SearchReporter(TrainReporter):
    """Shows a search: a line for each trial that stays, bars that go."""

    def detail(self, text: str) -> None:
        """Show a sentence with --verbose."""
        render.detail(text)

    def trial(self, trial: "TrialRecord", improved: bool) -> None:
        """Show a trial that is over."""
        from imgclf.tuning import params_text

        end = trial.reason or params_text(trial.params)
        value = "" if trial.value is None else f"{trial.value:.4f}"
        render.message(
            f"Trial {trial.number:>3}  {trial.state:<8}  {value:>6}  {trial.seconds:6.1f} s  "
            f"{'best' if improved else '':<4}  {end}"
        )


def show_search(result: "SearchResult", json: bool) -> None:
    """Show the best trials, what they say, and what to do next."""
    if json:
        render.json_data(
            {
                "search": result.folder,
                "metric": result.metric,
                "best": result.best,
                "run": result.run.path,
                "importances": result.importances,
                "trials": result.trials,
            }
        )
        return
    _show_trials(result)
    render.data(_verdict(result))
    if result.note:
        render.message(result.note)
    render.files(result.files.values())
    render.next_command(f"imgclf train --recipe {result.files['recipe']}")


def _show_trials(result: "SearchResult") -> None:
    """The best trials, finished ones first."""
    from imgclf.task import sign_of
    from imgclf.tuning import metric_name, metric_text, param_text

    sign = -sign_of(result.metric)
    valued = [trial for trial in result.trials if trial.value is not None]
    ordered = sorted(valued, key=lambda trial: (trial.state != "finished", sign * (trial.value or 0.0)))
    keys = list(dict.fromkeys(key for trial in ordered for key in trial.params))
    rows = [
        (
            trial.number,
            trial.state,
            metric_text(result.metric, trial.value),
            trial.epochs,
            f"{trial.seconds:.1f}",
            *(param_text(trial.params.get(key)) for key in keys),
        )
        for trial in ordered[:_SHOWN]
    ]
    title = f"The best {len(rows)} of {len(result.trials)} trials"
    render.table(
        ("trial", "state", metric_name(result.metric), "epochs", "seconds", *keys), rows, title=title
    )


def _verdict(result: "SearchResult") -> str:
    from imgclf.tuning import metric_name, metric_text

    name, value = metric_name(result.metric), metric_text(result.metric, result.best.value)
    first = metric_text(result.metric, result.trials[0].value)
    if result.best.number == 0:
        return f"No trial was better than the recipe as it is: {name} {value}."
    if result.gain is None:
        return f"The best is trial {result.best.number}: {name} {value}. The recipe as it is did not finish."
    return f"The best is trial {result.best.number}: {name} {value}; the recipe as it is has {first}."
