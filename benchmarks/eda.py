"""How long a look at a dataset takes, beside CleanVision doing the same checks on the same files.

    python benchmarks/eda.py FOLDER --cleanvision-python OTHER_VENV/bin/python

``FOLDER`` holds image files, one folder per class (``seg_train`` and ``seg_test`` above them will do). CleanVision
lives in a virtual environment of its own, because imgclf does not depend on it; without it only our own times are
printed. Both decode every file and judge it dark, bright, blurry, empty of information, of odd size, of odd aspect
ratio and grey, and both look for exact and near-duplicates. Ours also finds leaks, label conflicts and wrong
extensions, and compares hashes by distance where CleanVision compares them for equality.

Every measurement is a process of its own, in turn, ``--rounds`` times; importing the libraries is not counted.
Wall time depends on what else the machine does; CPU time (children included) does not.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_CLEANVISION = """
import contextlib, json, os, resource, sys, time
from cleanvision import Imagelab
begun = time.perf_counter()
with contextlib.redirect_stdout(sys.stderr):
    lab = Imagelab(data_path=sys.argv[1])
    lab.find_issues(verbose=False)
wall = time.perf_counter() - begun
use = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
found = {row.issue_type: int(row.num_images) for row in lab.issue_summary.itertuples()}
print(json.dumps({"wall": wall, "cpu": sum(u.ru_utime + u.ru_stime for u in use), "found": found}))
"""


def main() -> None:
    """Measure in turn and print a table with the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cleanvision-python", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=("checks", "report", "again"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_ours(arguments.folder, arguments.one)))
        return
    times: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(arguments.rounds):
            for name, command in _commands(arguments.folder, arguments.cleanvision_python).items():
                environment = {**os.environ, "IMGCLF_CACHE_DIR": cache}
                done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
                result = json.loads(done.stdout.splitlines()[-1])
                times.setdefault(name, []).append(result)
                print(f"{name:28} {result['wall']:7.2f} s  {result['found']}", file=sys.stderr)
    _print_table(times, arguments.rounds)


def _commands(folder: Path, cleanvision: Path | None) -> dict[str, list[str]]:
    ours = [sys.executable, __file__, str(folder), "--one"]
    commands = {
        "imgclf, checks": [*ours, "checks"],
        "imgclf, checks and report": [*ours, "report"],
        "imgclf, second look": [*ours, "again"],
    }
    if cleanvision:
        commands["cleanvision"] = [str(cleanvision), "-c", _CLEANVISION, str(folder)]
    return commands


def _ours(folder: Path, what: str) -> dict[str, object]:
    """Time one of our looks: the checks alone, everything without the cache, or everything with it."""
    from imgclf.data import open_dataset
    from imgclf.eda import eda
    from imgclf.eda.checks.run import run_checks
    from imgclf.eda.measuring.survey import survey

    with tempfile.TemporaryDirectory() as out:
        if what == "again":
            eda(str(folder), out=Path(out) / "first")
        before, begun = _cpu(), time.perf_counter()
        if what == "checks":
            checks = run_checks(survey(open_dataset(str(folder)), use_cache=False))
        else:
            checks = eda(str(folder), out=Path(out) / "look", use_cache=what == "again").checks
        wall = time.perf_counter() - begun
    found = {check.name: check.count for check in checks if check.count}
    return {"wall": wall, "cpu": _cpu() - before, "found": found}


def _cpu() -> float:
    use = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in use)


def _print_table(times: dict[str, list[dict[str, float]]], rounds: int) -> None:
    """Print medians; the ratio says how many times as long CleanVision takes."""
    medians = {
        name: {key: statistics.median(result[key] for result in results) for key in ("wall", "cpu")}
        for name, results in times.items()
    }
    theirs = medians.get("cleanvision")
    print(f"median of {rounds}                     wall s   CPU s   cleanvision takes (wall, CPU)")
    for name, median in medians.items():
        ratio = (
            f"x{theirs['wall'] / median['wall']:.1f}  x{theirs['cpu'] / median['cpu']:.1f}" if theirs else ""
        )
        print(f"{name:28} {median['wall']:9.2f} {median['cpu']:7.2f}   {ratio}")


if __name__ == "__main__":
    main()
