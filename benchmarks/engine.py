"""How much faster does a CPU answer than an earlier imgclf did? Two builds, the same commands, in turn.

    git worktree add ../before COMMIT
    python benchmarks/engine.py FOLDER --before ../before [--python PYTHON] [--rounds 3] [--model mobilenetv2_100]

FOLDER holds a folder of images for each class. The earlier build is a worktree of its commit, run by the same Python
and the same libraries, so that nothing but our own code differs; --python names another interpreter for it.

The network has random weights and takes 224x224. What is measured, for each build in each round:

- one image: ``imgclf predict IMAGE``, from the start of Python to its end;
- a folder: ``imgclf predict FOLDER --output FILE``, less the time of one image (its start);
- large photographs: the same on copies of 4032x3024 pixels, as telephones make them;
- evaluate: ``imgclf evaluate --no-grad-cam`` on the folder, from the start of Python to its last picture.

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
_RUN = "RUN"  # stands for the run of the build that is called
_MAKE_RUN = """
import sys
from pathlib import Path
import torch
from imgclf.models import create_classifier
from imgclf.records import ModelHeader, Preprocessing
from imgclf.runs import save_model_file
file, model, *classes = sys.argv[1:]
torch.manual_seed(0)
classifier = create_classifier(model, len(classes))
decoding = {"decoding": "reduced"} if "decoding" in Preprocessing.__dataclass_fields__ else {}
spec = Preprocessing((224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), crop_fraction=0.875, **decoding)
header = ModelHeader(classifier.arch, tuple(classes), spec, arch_args=classifier.arch_args)
save_model_file(Path(file), classifier.state_dict(), header)
"""


@dataclass(frozen=True)
class Build:
    """An imgclf: the Python that runs it and the folder of its source."""

    name: str
    python: str
    source: Path

    def run(self, arguments: Sequence[str | Path], cache: Path) -> tuple[float, float]:
        """Call a command; return CPU and wall seconds."""
        given = [f"{cache}/run-{self.name}" if part == _RUN else str(part) for part in arguments]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [self.python, "-m", "imgclf", *given],
            check=True,
            env=self._environment(cache),
            cwd=cache,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return used, time.perf_counter() - start

    def python_script(self, script: str, arguments: Sequence[str | Path], cache: Path) -> None:
        """Run a piece of Python with this build."""
        command = [self.python, "-c", script, *map(str, arguments)]
        subprocess.run(command, check=True, env=self._environment(cache), cwd=cache)

    def _environment(self, cache: Path) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(self.source),
            "IMGCLF_CACHE_DIR": str(cache / self.name),
            "HF_HUB_OFFLINE": "1",
        }


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
        commands = _commands(builds, work, given.folder.resolve(), given.model, given.large)
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


def _commands(
    builds: Sequence[Build], work: Path, folder: Path, model: str, large: int
) -> dict[str, list[str | Path]]:
    """Write a run with random weights and the large photographs; return the commands."""
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    for build in builds:  # each a run of its own: the model file says how photographs are decoded
        build.python_script(
            _MAKE_RUN, [work / f"run-{build.name}" / "model.safetensors", model, *classes], work
        )
    images = sorted(folder.rglob("*.jpg"))
    photographs = work / "photographs"
    photographs.mkdir()
    for number, path in enumerate(images[:: max(1, len(images) // large)][:large]):
        Image.open(path).convert("RGB").resize(_TELEPHONE, Image.Resampling.BICUBIC).save(
            photographs / f"{number:03d}.jpg", quality=90
        )
    predict: list[str | Path] = ["predict", "--run", _RUN, "--device", "cpu", "-q"]
    output: list[str | Path] = ["--output", work / "predictions.csv", "--overwrite"]
    evaluate: list[str | Path] = [
        "evaluate",
        "--run",
        _RUN,
        "--data",
        folder,
        "--device",
        "cpu",
        "--no-grad-cam",
        "-q",
    ]
    return {
        "one image": [*predict, images[0]],
        "a folder": [*predict, folder, *output],
        "large photographs": [*predict, photographs, *output],
        "evaluate": [*evaluate, "--out", work / "evaluated"],
    }


def _print_table(times: dict[str, dict[str, list[tuple[float, float]]]]) -> None:
    """CPU and wall seconds of both builds; a folder and photographs without what one image takes."""
    print("| work | before, CPU s | now, CPU s | times as fast | before, s | now, s | times as fast |")
    print("|---|---|---|---|---|---|---|")
    start = {name: _medians(rounds) for name, rounds in times["one image"].items()}
    for work, by_build in times.items():
        base = start if work not in ("one image", "evaluate") else dict.fromkeys(start, (0.0, 0.0))
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
