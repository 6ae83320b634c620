"""Write the reference pages that come from the program itself; with --check, fail where they are out of date."""

import argparse
import sys
from pathlib import Path

from pages import (
    architecture,
    commands,
    drawing,
    extension_points,
    http_api,
    model_file,
    recipe_keys,
    run_directory,
)

FOLDER = Path(__file__).parent
NOTE = "<!-- Made by docs/generate_reference.py; edit the program instead. -->\n"
PAGES = {
    "contributing/architecture.md": architecture.page,
    "contributing/extension-points.md": extension_points.page,
    "images/architecture.svg": drawing.drawing,
    "reference/cli.md": commands.page,
    "reference/recipe-keys.md": recipe_keys.page,
    "reference/run-directory.md": run_directory.page,
    "reference/model-file.md": model_file.page,
    "reference/http-api.md": http_api.page,
}


def main() -> int:
    """Write or check every generated page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    stale = [name for name, page in PAGES.items() if not _settle(FOLDER / name, f"{NOTE}\n{page()}", check)]
    for name in stale:
        sys.stderr.write(f"docs/{name} is out of date. Run: python docs/generate_reference.py\n")
    return int(bool(stale))


def _settle(path: Path, text: str, check: bool) -> bool:
    """Write the page, or say whether it is as it should be."""
    if check:
        return path.is_file() and path.read_text(encoding="utf-8") == text
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())
