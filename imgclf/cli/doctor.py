"""``imgclf doctor``: what a bug report needs, what is broken, and where two answers part."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from imgclf.cli import render
from imgclf.cli.options import Said
from imgclf.errors import UsageError

if TYPE_CHECKING:
    from imgclf.doctor import Diagnosis, Road

_WIDTH = 80


def doctor(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="A run to look into.")] = None,
    image: Annotated[
        Path | None, typer.Argument(metavar="IMAGE", help="An image to take through every road.")
    ] = None,
    *,
    said: Said,
) -> None:
    """Show versions, devices and plugins, and what is broken.

    Exits with 1 when something is broken: a package or plugin that cannot be imported, a cache
    folder that cannot be written to. Put the output into a bug report.

    With a run and an image, shows what evaluation, predict, the Python API and exported files make
    of the image: the input's hash and the five best classes. Exits with 1 when they differ.

    Example: imgclf doctor
    """
    if run is None:
        sound = _examine(said.json)
    elif image is None:
        raise UsageError(
            "'imgclf doctor RUN' needs an image too, for example: imgclf doctor runs/NAME photo.jpg"
        )
    else:
        sound = _compare(run, image, said.json)
    if not sound:
        raise typer.Exit(1)


def _examine(json: bool) -> bool:
    """Show the installation; return whether it is sound."""
    from imgclf.doctor import diagnose

    with render.progress() as progress:
        diagnosis = diagnose(progress)
    if json:
        render.json_data(diagnosis)
    else:
        for line in _lines(diagnosis):
            render.data(line)
    return not diagnosis.problems


def _compare(run: str, image: Path, json: bool) -> bool:
    """Show what each road makes of the image; return whether all agree."""
    from imgclf.doctor import compare_roads

    report = compare_roads(run, image)
    if json:
        render.json_data(report.to_dict())
    else:
        columns = ("road", "input", "largest difference", "five best, or why not")
        render.table(columns, [_road(road) for road in report.roads])
        if report.first_difference:
            render.message(f"The first to differ is '{report.first_difference}'.")
        else:
            render.message("All agree.")
    return report.first_difference is None


def _road(road: "Road") -> tuple[str, str, str | None, str]:
    if road.error:
        return road.name, road.pixels, None, road.error
    best = "  ".join(f"{name} {probability:.4f}" for name, probability in road.top)
    return road.name, road.pixels, f"{road.max_difference:.1e}", best


def _lines(diagnosis: "Diagnosis") -> Iterable[str]:
    yield from _section("System", diagnosis.system)
    yield from _section("Devices", diagnosis.devices)
    yield from _section("Packages", {name: found or "MISSING" for name, found in diagnosis.packages.items()})
    extras = {
        name: f"missing {', '.join(parts)}" if parts else "yes" for name, parts in diagnosis.extras.items()
    }
    yield from _section("Extras", extras)
    yield from _section("Caches", diagnosis.caches)
    ours = f" (imgclf {diagnosis.system['imgclf']})"
    plugins = {
        kind: ", ".join(name.removesuffix(ours) for name in names)
        for kind, names in diagnosis.plugins.items()
    }
    yield from _section("Plugins", plugins)
    yield "Problems" if diagnosis.problems else "No problems found."
    for problem in diagnosis.problems:
        yield f"  {problem}"


def _section(title: str, values: Mapping[str, str]) -> Iterable[str]:
    yield title
    width = max(map(len, values), default=0)
    for name, value in values.items():
        first, *rest = wrap(value, _WIDTH - width - 4, break_long_words=False, break_on_hyphens=False) or [""]
        yield f"  {name:<{width}}  {first}".rstrip()
        yield from (f"  {'':<{width}}  {line}" for line in rest)
    yield ""
