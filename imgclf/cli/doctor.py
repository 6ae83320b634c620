"""``imgclf doctor``: what a bug report needs, and what is broken."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import typer

from imgclf.cli import render
from imgclf.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    from imgclf.cli.diagnosis import Diagnosis


def doctor(json: JsonOption = False, quiet: QuietOption = False) -> None:
    """Show versions, devices, caches and plugins, and what is broken.

    Exits with 1 when something is broken: a package or plugin that cannot be imported, a cache
    folder that cannot be written to. Put the output into a bug report.

    Example: imgclf doctor
    """
    from imgclf.cli.diagnosis import diagnose

    with render.progress() as progress:
        diagnosis = diagnose(progress)
    if json:
        render.json_data(diagnosis)
    else:
        for line in _lines(diagnosis):
            render.data(line)
    if diagnosis.problems:
        raise typer.Exit(1)


def _lines(diagnosis: "Diagnosis") -> Iterable[str]:
    yield from _section("System", diagnosis.system)
    yield from _section("Devices", diagnosis.devices)
    yield from _section("Packages", {name: found or "MISSING" for name, found in diagnosis.packages.items()})
    extras = {
        name: f"missing {', '.join(parts)}" if parts else "yes" for name, parts in diagnosis.extras.items()
    }
    yield from _section("Extras", extras)
    yield from _section("Caches", diagnosis.caches)
    yield from _section(
        "Plugins", {kind: ", ".join(names) or "none" for kind, names in diagnosis.plugins.items()}
    )
    yield "Problems" if diagnosis.problems else "No problems found."
    for problem in diagnosis.problems:
        yield f"  {problem}"


def _section(title: str, values: Mapping[str, str]) -> Iterable[str]:
    yield title
    width = max(map(len, values), default=0)
    for name, value in values.items():
        yield f"  {name:<{width}}  {value}"
    yield ""
