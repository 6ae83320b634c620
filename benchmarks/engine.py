"""How much faster does a CPU answer than an earlier imgclf did? Two builds, the same commands, in turn.

    git worktree add ../before COMMIT
    python benchmarks/engine.py FOLDER --before ../before [--python PYTHON] [--rounds 3] [--model mobilenetv2_100]

FOLDER holds a folder of images for each class. The earlier build is a worktree of its commit, run by the same Python
and the same libraries, so that nothing but our own code differs; --python names another interpreter for it.

The network has random weights and takes 224x224. What is measured, for each build in each round:

- one image: ``imgclf predict IMAGE``, from the start of Python to its end;
- a folder: ``imgclf predict FOLDER --output FILE``, less the time of one image (its start);
- large photographs: the same on copies of 4032x3024 pixels, as telephones make them;
- evaluate: ``imgclf evaluate`` on the folder, without the search for copies.

The first call of each build is not counted (it writes the graph), and is shown by itself. Printed are medians of CPU
seconds, of all threads and children, and of wall seconds; other programs disturb the first less.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
_TELEPHONE = (4032, 3024)


@dataclass(frozen=True)
class Build:
    """An imgclf: the Python that runs it and the folder of its source."""

    name: str
    python: str
    source: Path

    def run(self, arguments: Sequence[str | Path], cache: Path) -> tuple[float, float]:
        """Call a command; return CPU and wall seconds."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.source),
            "IMGCLF_CACHE_DIR": str(cache / self.name),
            "HF_HUB_OFFLINE": "1",
        }
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [self.python, "-m", "imgclf", *map(str, arguments)],
            check=True,
            env=environment,
            cwd=cache,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return used, time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="mobilenetv2_100")
    parser.add_argument("--large", type=int, default=16, help="how many large photographs")
    given = parser.parse_args()
    builds = [
        Build("before", given.python, given.before.resolve()),
        Build("now", sys.executable, ROOT),
    ]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        commands = _commands(work, given.folder.resolve(), given.model, given.large)
        for build in builds:
            print(
                f"{build.name}, first call: CPU {build.run(commands['one image'], work)[0]:.1f} s", flush=True
            )
        times: dict[str, dict[str, list[tuple[float, float]]]] = {
            name: {build.name: [] for build in builds} for name in commands
        }
        for _ in range(given.rounds):
            for name, command in commands.items():
                for build in builds:
                    times[name][build.name].append(build.run(command, work))
    _print_table(times)


def _commands(work: Path, folder: Path, model: str, large: int) -> dict[str, list[str | Path]]:
    """Write a run with random weights and the large photographs; return the commands."""
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    run = _make_run(work / "run", model, classes)
    images = sorted(folder.rglob("*.jpg"))
    photographs = work / "photographs"
    photographs.mkdir()
    for number, path in enumerate(images[:: max(1, len(images) // large)][:large]):
        Image.open(path).convert("RGB").resize(_TELEPHONE, Image.Resampling.BICUBIC).save(
            photographs / f"{number:03d}.jpg", quality=90
        )
    predict: list[str | Path] = ["predict", "--run", run, "--device", "cpu", "-q"]
    output: list[str | Path] = ["--output", work / "predictions.csv", "--overwrite"]
    evaluate: list[str | Path] = ["evaluate", "--run", run, "--data", folder, "--device", "cpu", "-q"]
    return {
        "one image": [*predict, images[0]],
        "a folder": [*predict, folder, *output],
        "large photographs": [*predict, photographs, *output],
        "evaluate": [*evaluate, "--out", work / "evaluated"],
    }


def _make_run(folder: Path, model: str, classes: Sequence[str]) -> Path:
    import torch

    from imgclf.models import create_classifier
    from imgclf.records import ModelHeader, Preprocessing
    from imgclf.runs import save_model_file

    torch.manual_seed(0)
    classifier = create_classifier(model, len(classes))
    spec = Preprocessing((224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), crop_fraction=0.875)
    header = ModelHeader(classifier.arch, tuple(classes), spec, arch_args=classifier.arch_args)
    save_model_file(folder / "model.safetensors", classifier.state_dict(), header)
    return folder


def _print_table(times: dict[str, dict[str, list[tuple[float, float]]]]) -> None:
    """CPU and wall seconds of both builds; a folder and photographs without what one image takes."""
    print("| work | before, CPU s | now, CPU s | times as fast | before, s | now, s | times as fast |")
    print("|---|---|---|---|---|---|---|")
    start = {name: _medians(rounds) for name, rounds in times["one image"].items()}
    for work, by_build in times.items():
        base = start if work != "one image" else dict.fromkeys(start, (0.0, 0.0))
        (cpu_before, wall_before), (cpu_now, wall_now) = (
            tuple(value - less for value, less in zip(_medians(by_build[name]), base[name], strict=True))
            for name in ("before", "now")
        )
        print(
            f"| {work} | {cpu_before:.2f} | {cpu_now:.2f} | {cpu_before / cpu_now:.2f} "
            f"| {wall_before:.2f} | {wall_now:.2f} | {wall_before / wall_now:.2f} |"
        )


def _medians(rounds: Sequence[tuple[float, float]]) -> tuple[float, float]:
    cpu, wall = zip(*rounds, strict=True)
    return statistics.median(cpu), statistics.median(wall)


if __name__ == "__main__":
    main()
