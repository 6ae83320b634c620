"""Write what comes from the program itself; with --check, fail where it is out of date.

That is the reference pages, and the file from which the command line knows the flags of the config's fields.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pages import flags

FOLDER = Path(__file__).parent
FLAGS = "../imgclf/cli/settings.json"
NOTE = "<!-- Made by docs/generate_reference.py; edit the program instead. -->\n"


def main() -> int:
    """Write or check every generated file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    stale = [] if _settle(FOLDER / FLAGS, flags.text(), check) else [FLAGS]
    for name, page in _pages().items():
        stale += [] if _settle(FOLDER / name, f"{NOTE}\n{page()}", check) else [name]
    for name in stale:
        sys.stderr.write(f"docs/{name} is out of date. Run: python docs/generate_reference.py\n")
    return int(bool(stale))


def _pages() -> dict[str, Callable[[], str]]:
    """Import the pages only now: the commands read the flags as they are imported."""
    from pages import (  # noqa: PLC0415
        architecture,
        commands,
        drawing,
        extension_points,
        formats,
        http_api,
        model_file,
        recipe_keys,
        run_directory,
    )

    return {
        "contributing/architecture.md": architecture.page,
        "contributing/extension-points.md": extension_points.page,
        "images/architecture.svg": drawing.drawing,
        "reference/cli.md": commands.page,
        "reference/formats.md": formats.page,
        "reference/recipe-keys.md": recipe_keys.page,
        "reference/run-directory.md": run_directory.page,
        "reference/model-file.md": model_file.page,
        "reference/http-api.md": http_api.page,
    }


def _settle(path: Path, text: str, check: bool) -> bool:
    """Write the file, or say whether it is as it should be."""
    if check:
        return path.is_file() and path.read_text(encoding="utf-8") == text
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())
