"""``imgclf models``: the networks that ``--model`` takes."""

from typing import TYPE_CHECKING, Annotated

import typer

from imgclf.cli import render
from imgclf.cli.options import MODEL, Said
from imgclf.words import counted

if TYPE_CHECKING:
    from imgclf.models import ModelListing

_WIDTH = 80
_WIDEST_ORIGIN = 16
_SHORTEST_TAG = 8


def models(
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="Part of a name, or a pattern with * and ?.")
    ] = "",
    pretrained: Annotated[
        bool,
        typer.Option("--pretrained", help="Only those with pretrained weights.", rich_help_panel=MODEL),
    ] = False,
    *,
    said: Said,
) -> None:
    """List the networks: timm's, ours, and those of plugins.

    Parameters are counted where at most 30 match. A name of its own also lists its pretrained weights, any of
    which is a model name too.

    Example: imgclf models "mobilenetv3*"
    """
    from imgclf.models import list_models, plugin_problems

    for problem in plugin_problems():
        render.warning(problem)
    found = list_models(pattern, pretrained_only=pretrained)
    if said.json:
        render.json_data(found)
        return
    render.table(*_table(found))
    exact = next((each for each in found if each.name == pattern), None)
    if exact is not None and len(exact.pretrained) > 1:
        render.data("")
        render.table(["pretrained weights"], [[f"{exact.name}.{tag}"] for tag in exact.pretrained])
    render.message(counted(len(found), "model"))
    render.next_command(f"imgclf train --model {found[0].name if len(found) == 1 else 'NAME'}")


def _table(found: "list[ModelListing]") -> tuple[list[str], list[list[str]]]:
    """Leave out columns that say nothing, and shorten tags to what 80 columns have room for."""
    columns = {"model": [each.name for each in found]}
    if any(each.parameters is not None for each in found):
        columns["parameters"] = [_millions(each.parameters) for each in found]
    columns["input"] = [_size(each.image_size) for each in found]
    if any(each.origin != "timm" for each in found):
        columns["from"] = [each.origin.split()[0][:_WIDEST_ORIGIN] for each in found]
    used = sum(max(len(cell) for cell in [name, *cells]) + 2 for name, cells in columns.items())
    columns["pretrained"] = [_tags(each.pretrained, max(_WIDTH - used, _SHORTEST_TAG)) for each in found]
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def _millions(parameters: int | None) -> str:
    return "" if parameters is None else f"{parameters / 1e6:.1f} M"


def _size(size: tuple[int, int] | None) -> str:
    if size is None:
        return ""
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


def _tags(tags: tuple[str, ...], room: int) -> str:
    """Return the default tag and how many more there are: "a1_in1k +6"."""
    if not tags:
        return ""
    more = f" +{len(tags) - 1}" if len(tags) > 1 else ""
    return tags[0] + more if len(tags[0] + more) <= room else f"{tags[0][: room - len(more) - 1]}…{more}"
