"""How fast is ``imgclf embed``, next to openTSNE called directly and to the bare forward pass?

    python benchmarks/embed.py maps [--points 10000] [--features 512] [--rounds 3]
    python benchmarks/embed.py features [--model resnet9] [--size 32] [--images 2000] [--rounds 5]

``maps`` times t-SNE of points in 20 clusters:

- openTSNE: ``openTSNE.TSNE`` on scikit-learn's first 50 principal components, perplexity 30, all cores: the same
  settings, called directly;
- imgclf: ``imgclf.embed.projection.project``, which is what ``imgclf embed --tsne`` calls;
- openTSNE, all features: the same without the principal components (with ``--raw``).

The share of 30 nearest neighbours that the map keeps stands beside the time, so that speed is not bought with quality.

``features`` times the extraction from images in memory (random pixels, random weights, the CPU):

- ceiling: one process a core, each with a bare loop of the network on normalised batches, one computing thread, the
  best batch size of those tried; nothing is ordered, kept or written;
- imgclf: ``imgclf.embed.extraction.extract``: loading, normalising, features, logits, thumbnails.

The programs run one after another in each round, so that whatever else the machine does meets all of them. CPU seconds
stand beside the wall time: other programs disturb them less.
"""

import argparse
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable

import numpy as np

CORES = len(os.sched_getaffinity(0))
Program = Callable[[], tuple[float, float]]  # wall and CPU seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["maps", "features"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--raw", action="store_true")
    parser.add_argument("--model", default="resnet9")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--ceiling-batches", type=int, nargs="*", default=[16, 32, 64])
    given = parser.parse_args()
    programs = _maps(given) if given.part == "maps" else _features(given)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(given.rounds):
        for name, program in programs.items():
            seconds[name].append(program())
    print(f"{given.part}, {CORES} cores, load {os.getloadavg()[0]:.1f}, {given.rounds} rounds")
    print(f"{'':26} {'median s':>9} {'lowest':>8} {'highest':>8} {'CPU s':>8}")
    for name, times in seconds.items():
        wall, cpu = zip(*times, strict=True)
        print(
            f"{name:26} {statistics.median(wall):9.2f} {min(wall):8.2f} {max(wall):8.2f} {statistics.median(cpu):8.2f}"
        )


def _maps(given: argparse.Namespace) -> dict[str, Program]:
    import openTSNE
    from sklearn.decomposition import PCA

    from imgclf.embed.projection import project

    generator = np.random.default_rng(0)
    centres = generator.normal(0, 1.2, (20, given.features))
    points = (centres[generator.integers(20, size=given.points)]).astype(np.float32)
    points += generator.normal(0, 1, points.shape).astype(np.float32)
    kept: dict[str, float] = {}

    def direct(values: np.ndarray) -> np.ndarray:
        return np.asarray(openTSNE.TSNE(perplexity=30, n_jobs=-1, random_state=0).fit(values))

    def timed(name: str, make: Callable[[], np.ndarray]) -> Program:
        def run() -> tuple[float, float]:
            start, used = time.perf_counter(), time.process_time()
            made = make()
            passed = time.perf_counter() - start, time.process_time() - used
            if name not in kept:
                kept[name] = _kept(points, made)
                print(f"{name}: {kept[name]:.3f} of 30 neighbours kept", flush=True)
            return passed

        return run

    def reduced() -> np.ndarray:
        return direct(PCA(n_components=50, random_state=0).fit_transform(points))

    project(points[:2000], "tsne")  # compiles and loads what is loaded once
    programs = {"openTSNE": timed("openTSNE", reduced), "imgclf": timed("imgclf", lambda: project(points))}
    if given.raw:
        programs["openTSNE, all features"] = timed("openTSNE, all features", lambda: direct(points))
    return programs


def _kept(points: np.ndarray, made: np.ndarray) -> float:
    """Return the share of the 30 nearest neighbours that are still among the 30 nearest."""
    from imgclf.embed.geometry import nearest

    (_, before), (_, after) = nearest(points, 30), nearest(made, 30)
    return float((before[:, :, None] == after[:, None, :]).any(axis=2).mean())


def _features(given: argparse.Namespace) -> dict[str, Program]:
    ceilings = {
        f"ceiling, batch {batch}": _ceiling(given.model, given.size, given.images, batch)
        for batch in given.ceiling_batches
    }
    return {**ceilings, "imgclf": _extraction(given.model, given.size, given.images)}


def _network(model: str, size: int):  # type: ignore[no-untyped-def]
    import torch

    from imgclf.models import create_classifier

    classifier = create_classifier(model, 10, pretrained="no", image_size=(size, size)).eval()
    return classifier.to(memory_format=torch.channels_last)


def _ceiling(model: str, size: int, images: int, batch: int) -> Program:
    def run() -> tuple[float, float]:
        context = multiprocessing.get_context("spawn")
        barrier, results = context.Barrier(CORES + 1), context.SimpleQueue()
        arguments = (model, size, images // CORES, batch, barrier, results)
        workers = [context.Process(target=_bare_loop, args=arguments) for _ in range(CORES)]
        for worker in workers:
            worker.start()
        barrier.wait()
        start = time.perf_counter()
        used = sum(results.get() for _ in workers)
        wall = time.perf_counter() - start
        for worker in workers:
            worker.join()
        return wall, used

    return run


def _bare_loop(model: str, size: int, images: int, batch: int, barrier, results) -> None:  # type: ignore[no-untyped-def]
    import torch

    torch.set_num_threads(1)
    network = _network(model, size)
    inputs = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        for _ in range(2):
            network.embed(inputs)
        barrier.wait()
        used = time.process_time()
        for start in range(0, images, batch):
            network.embed(inputs[: min(batch, images - start)])
    results.put(time.process_time() - used)


def _extraction(model: str, size: int, images: int) -> Program:
    from imgclf.data import Examples
    from imgclf.embed.extraction import backbone_features, extract
    from imgclf.records import Preprocessing

    network = _network(model, size)
    spec = Preprocessing((size, size), (0.5,) * 3, (0.25,) * 3)
    features = backbone_features(network, spec, "cpu")
    pixels = np.random.default_rng(0).integers(0, 256, (images, size, size, 3), dtype=np.uint8)
    examples = Examples(pixels, np.zeros(images, np.int64), [str(number) for number in range(images)])
    extract(examples.select(np.arange(128)), spec, features)

    def run() -> tuple[float, float]:
        start, used = time.perf_counter(), time.process_time()
        extract(examples, spec, features)
        return time.perf_counter() - start, time.process_time() - used

    return run


if __name__ == "__main__":
    main()
