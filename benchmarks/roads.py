"""How many files of the package three commands enter: predict, explain and train, on a few drawn photographs.

    python benchmarks/roads.py                              # this checkout
    PYTHONPATH=OTHER_CHECKOUT python benchmarks/roads.py    # another one, counted the same way

A file is entered when one of its functions runs while the command runs: in the main thread or in another, in this
process. What only runs because a module is imported (bodies of modules and classes, and what they call) does not
count, so neither laziness nor decorators change the figure. ``--list`` names the files in the order of entry.
"""

import argparse
import contextlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType

ROADS = {
    "train": ("train", "--data", "photos", "--model", "resnet18", "--epochs", "1"),
    "predict": ("predict", "photos/green/00.jpg"),
    "explain": ("explain", "photos/green/00.jpg", "--layer", "-3"),
}


class Entered:
    """The files of a folder in which a function ran, in the order of entry."""

    def __init__(self, folder: Path) -> None:
        self._folder = f"{folder}{os.sep}"
        self._names: dict[str, None] = {}

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Look at every call in this thread and in those that begin meanwhile."""
        threading.setprofile(self._look)
        sys.setprofile(self._look)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def names(self) -> list[str]:
        """Paths relative to the folder; a template's compiled code carries the name of its own file."""
        return [name.removeprefix(self._folder) for name in self._names if name.endswith(".py")]

    def _look(self, frame: FrameType, event: str, argument: object) -> None:
        name = frame.f_code.co_filename
        if (
            event == "call"
            and name not in self._names
            and name.startswith(self._folder)
            and _is_running(frame)
        ):
            self._names[name] = None


def _is_running(frame: FrameType | None) -> bool:
    """Whether no body of a module or class is being executed further up, up to the thread's beginning."""
    while frame is not None and frame.f_code.co_filename != __file__:
        if not frame.f_code.co_flags & CO_OPTIMIZED:
            return False
        frame = frame.f_back
    return True


def _draw_photographs(folder: Path) -> None:
    """Two classes of twenty JPEG files of 96x64 pixels of noise in a colour."""
    from PIL import Image

    generator = random.Random(0)
    for name, shade in (("green", (40, 160, 60)), ("red", (180, 40, 50))):
        (folder / name).mkdir(parents=True)
        for index in range(20):
            image = Image.new("RGB", (96, 64), tuple(value + generator.randrange(-30, 30) for value in shade))
            image.effect_spread(4).save(folder / name / f"{index:02d}.jpg")


def follow(road: str) -> list[str]:
    """Run one command in this process and return the files that it enters."""
    import imgclf
    from imgclf.cli.main import main as command_line

    entered = Entered(Path(imgclf.__file__).parent)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), entered.watch():
        code = command_line(list(ROADS[road]))
    if code:
        raise SystemExit(f"imgclf {' '.join(ROADS[road])} ended with {code}:\n{said.getvalue()}")
    return entered.names()


def measure() -> dict[str, list[str]]:
    """Follow each road in a process of its own, in one temporary folder: predict and explain take train's run."""
    with tempfile.TemporaryDirectory() as folder:
        _draw_photographs(Path(folder) / "photos")
        home = {
            name: f"{folder}/home/{name.lower()}" for name in ("IMGCLF_CACHE_DIR", "HF_HOME", "TORCH_HOME")
        }
        environment = {**os.environ, **home, "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, str(Path(__file__).resolve()), "--follow"]
        return {road: _followed([*command, road], folder, environment) for road in ROADS}


def _followed(command: list[str], folder: str, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr or done.stdout)
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names


def main() -> None:
    """Print the table, the files, or everything as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--list", action="store_true", help="name the files in the order of entry")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--follow", choices=tuple(ROADS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.follow:
        print(json.dumps(follow(arguments.follow)))
        return
    roads = measure()
    if arguments.json:
        print(json.dumps(roads, indent=1))
        return
    print("| road | files entered |\n|---|---|")
    for road, names in roads.items():
        print(f"| `imgclf {' '.join(ROADS[road])}` | {len(names)} |")
    if arguments.list:
        for road, names in roads.items():
            print("\n".join([f"\n{road}:", *(f"{at:4}  {name}" for at, name in enumerate(names, 1))]))


if __name__ == "__main__":
    main()
