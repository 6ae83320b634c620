"""How long does ``imgclf serve`` take from the command to ready, beside another checkout?

    python benchmarks/serving_start.py MODEL [--before PATH] [--rounds 3]

MODEL is a run's model.safetensors. Both start in turn; what is kept once (the graph, the measurement) is made before.
Printed: medians of wall seconds, of CPU seconds (compare these on a machine that others share) and of resident memory.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--before", default="", help="a checkout to compare with")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    servers = {"imgclf": ""} | ({"before": given.before} if given.before else {})
    measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in servers}
    for round_ in range(1 + given.rounds):
        for name, path in servers.items():
            figures = _started(given.model.resolve(), path)
            if round_:  # the first writes what is kept
                measured[name].append(figures)
    print("| server | seconds to ready | CPU seconds | resident MB |\n|---|---|---|---|")
    for name, rows in measured.items():
        wall, cpu, memory = map(statistics.median, zip(*rows, strict=True))
        print(f"| {name} | {wall:.1f} | {cpu:.2f} | {memory:.0f} |")


def _started(model: Path, path: str) -> tuple[float, float, float]:
    """Start a server, wait until it is ready, and end it."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = ["-m", "imgclf", "serve", "--model-file", str(model), "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": path} if path else dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment, stderr=subprocess.DEVNULL
        )
        while process.poll() is None:
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5)
                break
            time.sleep(0.02)
        wall = time.perf_counter() - begun
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        process.terminate()
        process.wait()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return wall, cpu, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
