"""What a training run looks like on the terminal: its epochs, its result, and a dry run."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from imgclf.cli import render
from imgclf.records import Progress
from imgclf.words import duration

if TYPE_CHECKING:
    from imgclf.records import EpochRecord
    from imgclf.training import DryRun, TrainResult


class TrainReporter:
    """Shows a training run: messages and epochs as lines that stay, progress as bars that go."""

    def __init__(self, show: Callable[[Progress], None]) -> None:
        self._show = show

    def message(self, text: str) -> None:
        """Show a sentence."""
        render.message(text)

    def warning(self, text: str) -> None:
        """Show a sentence, with --quiet too."""
        render.warning(text)

    def progress(self, progress: Progress) -> None:
        """Move a bar."""
        self._show(progress)

    def epoch(self, record: "EpochRecord", improved: bool) -> None:
        """Show a finished epoch."""
        render.message(
            f"Epoch {record.epoch:>3}  train loss {record.train_loss:.3f} acc {record.train_accuracy:6.1%}  "
            f"val loss {record.val_loss:.3f} acc {record.val_accuracy:6.1%}  {record.seconds:6.1f} s"
            f"{'  best' if improved else ''}"
        )


def show_dry_run(result: "DryRun", json: bool) -> None:
    """Show the resolved config and what training would take."""
    if json:
        render.json_data(result)
        return
    render.data(_toml(result.config))
    render.table(("what", "value"), _dry_run_rows(result), title="Dry run")
    render.files([result.batch_figure])


def _dry_run_rows(result: "DryRun") -> list[tuple[str, str]]:
    images = ", ".join(f"{count:,} {split}" for split, count in result.images.items() if count)
    return [
        ("images", f"{images}; {len(result.class_names)} classes"),
        ("parameters", f"{result.parameters / 1e6:.2f} million"),
        ("eval crop keeps", f"{result.crop_keeps:.0%} of a typical image"),
        ("one step", f"{result.step_seconds * 1000:.0f} ms"),
        ("all epochs, about", duration(result.total_seconds)),
        ("memory so far", f"{result.memory_bytes / 1e9:.1f} GB"),
    ]


def show_result(result: "TrainResult", json: bool) -> None:
    """Show how good the best epoch is, and what to do next."""
    run, best = result.run, result.best
    if json:
        render.json_data(
            {
                "run": run.path,
                "best": best.to_dict(),
                "epochs": len(result.history),
                "seconds": result.seconds,
                "stopped_early": result.stopped_early,
            }
        )
        return
    ending = ", stopped early" if result.stopped_early else ""
    render.table(
        ("what", "value"),
        [
            ("val accuracy", f"{best.val_accuracy:.2%}"),
            ("val macro F1", f"{best.val_macro_f1:.2%}"),
            ("val loss", f"{best.val_loss:.4f}"),
            ("best epoch", f"{best.epoch} of {len(result.history)}{ending}"),
            ("time", duration(result.seconds)),
        ],
        title="Result",
    )
    render.files([run.model_file, run.history, run.figures / "curves.png"])
    render.next_command(f"imgclf evaluate --run {run.path}")


def _toml(values: dict[str, Any]) -> str:
    import tomli_w

    return tomli_w.dumps(values).rstrip()
