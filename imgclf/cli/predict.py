"""``imgclf predict``: what the model says of images, to the terminal, a pipe or a file."""

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imgclf.cli import render
from imgclf.cli.chosen import ModelChoice
from imgclf.cli.flags import OptionGroup
from imgclf.cli.options import HARDWARE, OUTPUT, DeviceOption, RuntimeOption, Said
from imgclf.cli.prediction_sinks import opened_sink
from imgclf.errors import StoppedError, UsageError
from imgclf.words import counted

if TYPE_CHECKING:
    from imgclf.inference import BatchSize, Found, Predictor, RayPredictor, Runtime, Summary


class Rows(OptionGroup):
    """What a row says."""

    top_k: Annotated[
        int, typer.Option(min=1, help="How many of the best classes to list.", rich_help_panel=OUTPUT)
    ] = 5
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="Confidence below which the answer is 'unknown'; by default the model file's own, 0 is never.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write every class's probability.", rich_help_panel=OUTPUT)
    ] = False


class File(OptionGroup):
    """The file that is written, if there is one."""

    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write to this file; its ending chooses: .csv, .jsonl or .parquet.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on after what the output already has.", rich_help_panel=OUTPUT),
    ] = False
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start the output anew.", rich_help_panel=OUTPUT)
    ] = False


class Work(OptionGroup):
    """Who computes."""

    batch_size: Annotated[
        str,
        typer.Option(
            metavar="N|auto",
            help="Images computed at once; auto measures on the first ones.",
            rich_help_panel=HARDWARE,
        ),
    ] = "auto"
    device: DeviceOption = "auto"
    runtime: RuntimeOption = "auto"
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(
            help="Who computes: this program, or the workers of a Ray cluster (extra 'ray').",
            rich_help_panel=HARDWARE,
        ),
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Ray cluster: HOST:PORT, or auto; by default RAY_ADDRESS, else one on this machine.",
            rich_help_panel=HARDWARE,
        ),
    ] = None


def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES...",
            help="Files, folders, patterns such as 'photos/*.jpg', or - for a list on stdin.",
        ),
    ],
    model: ModelChoice,
    rows: Rows,
    file: File,
    work: Work,
    said: Said,
) -> None:
    """Say what is in images, file by file.

    Writes a table to a terminal, JSON lines to a pipe or with --json, a file with --output.

    Exit code 3 means that some images could not be read; each has a row with its error and no prediction.

    Example: imgclf predict photos --output predictions.csv
    """
    from imgclf.inference import Layout, Summary, hand_on
    from imgclf.runs import identity

    _check_output(file)
    if work.address is not None and work.engine != "ray":
        raise UsageError("--address names a Ray cluster: add --engine ray.")
    sources, total = _sources(images)
    predictor = _opened(model.place(), work, rows.probabilities)
    layout = Layout(
        predictor.class_names, rows.top_k, rows.probabilities, identity(predictor.file) if file.output else ""
    )
    summary = Summary()
    with (
        _stoppable(summary, file.output),
        opened_sink(file.output, layout, file.resume, said.json) as sink,
    ):
        fresh = sink.fresh(sources, summary)
        answers = predictor.predict_stream(fresh, top_k=rows.top_k, threshold=rows.threshold)
        with closing(answers), render.progress() as progress:
            hand_on(answers, sink.write, summary, total, progress)
    _conclude(summary, file.output)
    if summary.unreadable or summary.unreadable_before:
        raise typer.Exit(3)


def _check_output(file: File) -> None:
    from imgclf.inference import check_output

    if file.output is not None:
        check_output(file.output, resume=file.resume, overwrite=file.overwrite)
    elif file.resume or file.overwrite:
        raise UsageError("--resume and --overwrite are about a file: name it with --output FILE.")


def _opened(model: str | Path, work: Work, probabilities: bool) -> "Predictor | RayPredictor":
    size = _batch_size(work.batch_size)
    if work.engine == "ray":
        return _on_ray(model, work.device, size, work.address, probabilities)
    return _here(model, work.device, size, work.runtime)


def _here(file: str | Path, device: str, batch_size: "BatchSize", runtime: "Runtime") -> "Predictor":
    from imgclf.inference import Predictor

    predictor = Predictor.open(file, device=device, batch_size=batch_size, runtime=runtime)
    render.detail(
        f"Computed by {predictor.backend.name} on '{predictor.device}' in {predictor.precision}: "
        f"{predictor.chosen_because}."
    )
    return predictor


def _on_ray(
    file: str | Path, device: str, batch_size: "BatchSize", address: str | None, probabilities: bool
) -> "RayPredictor":
    from imgclf.inference import RayPredictor

    return RayPredictor.open(
        file,
        device=device,
        batch_size=batch_size,
        address=address,
        with_probabilities=probabilities,
        notify=render.message,
    )


def _sources(images: list[str]) -> "tuple[Iterable[Found], int | None]":
    """Return the images and how many they are; a list on stdin is read as it comes, so its length is unknown.

    Folders are listed twice, to count and to predict: seconds for a million names, which need not be kept.
    """
    from imgclf.inference import find_images, listed_images

    if images == ["-"]:
        return listed_images(sys.stdin.buffer), None  # type: ignore[arg-type]  # a real stdin's buffer has read1
    if "-" in images:
        raise UsageError("'-' reads the list of images from stdin: give no other images beside it.")
    return find_images(images), sum(1 for _ in find_images(images))


def _batch_size(given: str) -> "BatchSize":
    if given == "auto":
        return "auto"
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f"The batch size is '{given}', but it must be auto or a number from 1.")
    return int(given)


@contextmanager
def _stoppable(summary: "Summary", output: Path | None) -> Iterator[None]:
    """Turn an interrupt, and SIGTERM as well, into an end that says what is kept and how to go on."""

    def stop(number: int, _: object) -> None:
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt as interrupt:
        kept = f" They are in {output}; go on with --resume." if output else ""
        number = interrupt.args[0] if interrupt.args else signal.SIGINT
        raise StoppedError(f"Stopped after {summary.images:,} images.{kept}", number) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _conclude(summary: "Summary", output: Path | None) -> None:
    common = ", ".join(f"{count:,} {label}" for label, count in summary.labels.most_common(5))
    more = f" and {len(summary.labels) - 5} more classes" if len(summary.labels) > 5 else ""
    answers = f": {common}{more}" if common else ""
    render.message(
        f"{counted(summary.images, 'image')} in {summary.seconds:.1f} s ({summary.rate:.0f} img/s){answers}"
    )
    if summary.skipped:
        render.message(f"{summary.skipped:,} were in the output already.")
    if unreadable := summary.unreadable + summary.unreadable_before:
        render.warning(f"{unreadable:,} could not be read; their rows say why (exit code 3).")
    if output is not None:
        render.files([output])
