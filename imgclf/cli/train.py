"""``imgclf train``: from images to a run directory."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imgclf.cli import render
from imgclf.cli.options import (
    DATA,
    HARDWARE,
    MODEL,
    OUTPUT,
    TRAINING,
    DataDirOption,
    DataOption,
    JsonOption,
    QuietOption,
    VerboseOption,
)
from imgclf.records import Progress
from imgclf.words import duration

if TYPE_CHECKING:
    from imgclf.recipes import Config
    from imgclf.records import EpochRecord
    from imgclf.training import DryRun, TrainResult


def train(
    data: DataOption = None,
    data_dir: DataDirOption = None,
    val_fraction: Annotated[
        float | None, typer.Option(help="Share of the images that becomes val.", rich_help_panel=DATA)
    ] = None,
    val_from: Annotated[
        Literal["auto", "train", "test"] | None,
        typer.Option(help="Take val from train, or from the official test set.", rich_help_panel=DATA),
    ] = None,
    balance: Annotated[
        Literal["none", "weights", "sampler"] | None,
        typer.Option(help="Against class imbalance: weigh the loss, or draw evenly.", rich_help_panel=DATA),
    ] = None,
    on_error: Annotated[
        Literal["skip", "fail"] | None,
        typer.Option(help="What to do with a file that cannot be read.", rich_help_panel=DATA),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Any timm name; see imgclf models.", rich_help_panel=MODEL)
    ] = None,
    pretrained: Annotated[
        bool | None,
        typer.Option(
            "--pretrained/--no-pretrained",
            help="Insist on pretrained weights, or decline them; else they are used when at hand.",
            rich_help_panel=MODEL,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Start from a safetensors or state-dict file.", rich_help_panel=MODEL
        ),
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Side of the square input.", rich_help_panel=MODEL)
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A published recipe or a TOML file.", rich_help_panel=TRAINING),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Repeat with the config of a run or file.", rich_help_panel=TRAINING
        ),
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Continue a stopped run.", rich_help_panel=TRAINING)
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the images.", rich_help_panel=TRAINING)
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images per step and process.", rich_help_panel=TRAINING)
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Highest learning rate.", rich_help_panel=TRAINING)] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop after so many epochs without improvement.", rich_help_panel=TRAINING),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Such as 10m; the schedule is fitted to it.", rich_help_panel=TRAINING
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.", rich_help_panel=TRAINING)] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other setting, as --set head.hidden=256; may be repeated.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"] | None,
        typer.Option(help="Where to compute.", rich_help_panel=HARDWARE),
    ] = None,
    devices: Annotated[
        int | None,
        typer.Option(help="GPUs or processes per machine; torchrun decides it.", rich_help_panel=HARDWARE),
    ] = None,
    nodes: Annotated[
        int | None, typer.Option(help="Machines, under torchrun, which decides it.", rich_help_panel=HARDWARE)
    ] = None,
    strategy: Annotated[
        Literal["auto", "ddp"] | None,
        typer.Option(help="How processes share the work.", rich_help_panel=HARDWARE),
    ] = None,
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"] | None,
        typer.Option(help="Number format; auto measures.", rich_help_panel=HARDWARE),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Parent of the run directory.", rich_help_panel=OUTPUT)
    ] = Path("runs"),
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show what would happen and how long it takes.", rich_help_panel=OUTPUT
        ),
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Train a model on a dataset and write a run directory.

    Example: imgclf train --data photos --model resnet18 --epochs 5
    """
    flags: dict[str, Any] = {
        "data.dataset": data,
        "data.val_fraction": val_fraction,
        "data.val_from": val_from,
        "data.balance": balance,
        "data.on_error": on_error,
        "model.name": model,
        "model.pretrained": None if pretrained is None else ("yes" if pretrained else "no"),
        "model.weights": None if weights is None else str(weights),
        "image.size": image_size,
        "optimizer.lr": lr,
        "training.epochs": epochs,
        "training.batch_size": batch_size,
        "training.early_stopping.patience": patience,
        "training.max_time": max_time,
        "training.seed": seed,
        "hardware.device": device,
        "hardware.devices": devices,
        "hardware.nodes": nodes,
        "hardware.strategy": strategy,
        "hardware.precision": precision,
    }
    from imgclf.errors import UsageError

    if _another_is_first():
        _follow(data_dir, dry_run)
        return
    with render.progress() as show:
        reporter = TrainReporter(show)
        if resume is not None and dry_run:
            raise UsageError("--dry-run looks at a run before it begins: leave out --resume.")
        if resume is not None:
            outcome = _resume(resume, recipe or config, flags, set_ or [], data_dir, reporter)
        else:
            settings = _settings(recipe, config, flags, set_ or [])
            if dry_run:
                _show_dry_run(settings, out, data_dir, reporter, json)
                return
            outcome = _train(settings, out, data_dir, reporter)
    _show_result(outcome, json)


class TrainReporter:
    """Shows a training run: messages and epochs as lines that stay, progress as bars that go."""

    def __init__(self, show: Callable[[Progress], None]) -> None:
        self._show = show

    def message(self, text: str) -> None:
        """Show a sentence."""
        render.message(text)

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


def _settings(recipe: str | None, config: Path | None, flags: dict[str, Any], set_: list[str]) -> "Config":
    from imgclf.errors import UsageError
    from imgclf.recipes import Config, apply_overrides, load_config_file, load_recipe

    if recipe and config:
        raise UsageError("--recipe and --config both give all settings: leave one of them out.")
    if recipe:
        base = load_recipe(recipe).config
    else:
        base = load_config_file(config) if config else Config()
        if not config and flags["data.dataset"] is None:
            render.message("No --data given: training on the embedded digits.")
    return apply_overrides(base, flags, set_)


def _another_is_first() -> bool:
    from imgclf.training import is_first

    return not is_first()


def _follow(data_dir: Path | None, dry_run: bool) -> None:
    """Take part without a word in what the first process of torchrun does; one error a machine is shown."""
    from imgclf.errors import ImgclfError
    from imgclf.training import follow, is_first_on_machine

    if dry_run:
        return
    try:
        follow(data_dir=data_dir)
    except ImgclfError as error:
        if is_first_on_machine():
            raise
        raise typer.Exit(error.exit_code) from None


def _train(settings: "Config", out: Path, data_dir: Path | None, reporter: TrainReporter) -> "TrainResult":
    from imgclf.training import train as train_model

    return train_model(settings, out=out, data_dir=data_dir, reporter=reporter)


def _resume(
    name: str,
    other: str | Path | None,
    flags: dict[str, Any],
    set_: list[str],
    data_dir: Path | None,
    reporter: TrainReporter,
) -> "TrainResult":
    from imgclf.errors import UsageError
    from imgclf.recipes import apply_overrides, load_config_file
    from imgclf.runs import open_run
    from imgclf.training import resume as resume_run

    if other:
        raise UsageError("--resume continues with the run's own config: leave out --recipe and --config.")
    run = open_run(name)
    settings = apply_overrides(load_config_file(run.path), flags, set_)
    return resume_run(run, settings, data_dir=data_dir, reporter=reporter)


def _show_dry_run(
    settings: "Config", out: Path, data_dir: Path | None, reporter: TrainReporter, json: bool
) -> None:
    from imgclf.training import dry_run

    result = dry_run(settings, out=out / "dry-run", data_dir=data_dir, reporter=reporter)
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


def _show_result(result: "TrainResult", json: bool) -> None:
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
