"""``imgclf compare``: which run is better, and whether that is more than noise."""

from typing import TYPE_CHECKING, Annotated

import typer

from imgclf.cli import render
from imgclf.cli.options import DataDirOption, DataOption, DeviceOption, OutOption, Said, SplitOption
from imgclf.words import duration

if TYPE_CHECKING:
    from imgclf.evaluation import Comparison, Contender
    from imgclf.metrics import Interval


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN RUN...", help="Two runs or more; each is tested against the first."),
    ],
    data: DataOption = None,
    split: SplitOption = "test",
    data_dir: DataDirOption = None,
    device: DeviceOption = "auto",
    out: OutOption = None,
    *,
    said: Said,
) -> None:
    """Say whether the difference between runs is more than noise.

    Uses the answers of each run's last evaluation, or evaluates it now. Tests in pairs: McNemar's test and the
    bootstrap of the difference. The images on which the runs disagree are listed in a file.

    Example: imgclf compare runs/2026-11-21-143000-resnet9-digits runs/2026-11-21-150000-resnet18-digits
    """
    from imgclf.evaluation import compare as compare_runs

    with render.progress() as progress:
        comparison = compare_runs(
            runs, data, split, device=device, out=out, data_dir=data_dir, progress=progress
        )
    if said.json:
        render.json_data(comparison.values)
    else:
        _show(comparison)
    for note in comparison.notes:
        (render.warning if note.tone in ("warn", "bad") else render.message)(note.text)
    render.files(comparison.files.values())


def _show(comparison: "Comparison") -> None:
    from imgclf.evaluation import verdict

    names = [_letter(index) for index in range(len(comparison.contenders))]
    columns = [_column(one) for one in comparison.contenders]
    rows = [(what, *values) for what, *values in zip(_ROWS, *columns, strict=True)]
    render.table(("", *names), rows, title=f"{comparison.images:,} images")
    for name, one in zip(names, comparison.contenders, strict=True):
        render.data(f"{name} = {one.run.name}")
    for index, duel in enumerate(comparison.duels, start=1):
        sentence, _ = verdict("A", _letter(index), duel.accuracy, duel.test, len(comparison.duels))
        render.data(sentence)


_ROWS = (
    "model",
    "accuracy",
    "  95 % interval",
    "macro F1",
    "  95 % interval",
    "log loss",
    "calibration error",
    "model file",
    "speed",
    "training time",
)


def _column(one: "Contender") -> tuple[str, ...]:
    speed, seconds = one.images_per_second, one.training_seconds
    return (
        one.arch,
        f"{100 * one.scores.accuracy.value:.2f}%",
        _ends(one.scores.accuracy),
        f"{100 * one.scores.macro_f1.value:.2f}%",
        _ends(one.scores.macro_f1),
        f"{one.scores.calibrated.log_loss:.4f}",
        f"{one.scores.calibrated.expected_calibration_error:.4f}",
        f"{one.megabytes:.1f} MB",
        "unknown" if speed is None else f"{speed:,.0f} img/s",
        "unknown" if seconds is None else duration(seconds),
    )


def _ends(interval: "Interval") -> str:
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f}%"


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else f"#{index + 1}"
