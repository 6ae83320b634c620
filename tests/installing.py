"""Install the package that a page of the documentation shows, and run imgclf in a process that sees it."""

import os
import re
import subprocess
import sys
from pathlib import Path

PIP = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")


def install_from_page(page: Path, folder: Path) -> Path:
    """Write the files that a page shows, install them with pip, and return the folder to put on the path.

    Args:
        page: names each file in backquotes before its code.
        folder: empty; gets the source and what pip makes of it.
    """
    text = page.read_text(encoding="utf-8")
    source, site = folder / "source", folder / "site"
    source.mkdir()
    for name, content in re.findall(r"`(\w+\.\w+)`[^\n]*(?:\n[^\n]+)?:\n\n```\w+\n(.*?)```", text, re.DOTALL):
        (source / name).write_text(content, encoding="utf-8")
    subprocess.run([sys.executable, *PIP, "--target", str(site), str(source)], check=True, timeout=120)
    return site


def run_seeing(path: list[Path], *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run the command line with these folders on the path."""
    return subprocess.run(
        [sys.executable, "-m", "imgclf", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
