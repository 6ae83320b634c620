"""How fast is ``imgclf predict`` over a folder, next to the ceiling of the machine and to timm's own loop?

    python benchmarks/predict.py FOLDER [--images 400] [--rounds 3] [--model mobilenetv2_100]

Three programs read the same files with the same network (random weights, 224x224), one after another in each round,
so that whatever else the machine does meets all three:

- ceiling: one process a core, each with a bare loop of decode, resize and forward on its share of the files,
  one computing thread, the best batch size of those tried; nothing is ordered, collected or written;
- imgclf: ``Predictor.predict_stream`` with ``--batch-size auto``, written to CSV;
- timm: ``timm.data.create_loader`` with a worker a core and the model in the main process, as timm's ``inference.py``
  does it (batch 256 there; the better of 32 and 256 here).

Printed are images per second of wall time (median, lowest and highest over the rounds) and CPU seconds per 1,000
images, which other programs disturb less. Start-up and the first batch are not counted.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

CORES = len(os.sched_getaffinity(0))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="mobilenetv2_100")
    parser.add_argument("--ceiling-batches", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--timm-batches", type=int, nargs="*", default=[32, 256])
    given = parser.parse_args()
    files = sorted(str(path) for path in given.folder.rglob("*.jpg"))
    files = [files[i] for i in np.linspace(0, len(files) - 1, min(given.images, len(files))).astype(int)]
    with tempfile.TemporaryDirectory() as folder:
        model = _model_file(Path(folder), given.model)
        programs: dict[str, Callable[[], tuple[float, float]]] = {
            **{f"ceiling, batch {size}": _ceiling(model, files, size) for size in given.ceiling_batches},
            "imgclf": _imgclf(model, files, Path(folder)),
            **{f"timm, batch {size}": _timm(given.model, files, size) for size in given.timm_batches},
        }
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
        for _ in range(given.rounds):
            for name, program in programs.items():
                seconds[name].append(program())
    print(
        f"{len(files)} files, {given.model}, {CORES} cores, load {os.getloadavg()[0]:.1f}, {given.rounds} rounds"
    )
    print(f"{'':20} {'img/s':>7} {'lowest':>7} {'highest':>7} {'CPU s per 1,000':>16}")
    for name, times in seconds.items():
        rates = [len(files) / wall for wall, _ in times]
        cpu = statistics.median(1000 * cpu / len(files) for _, cpu in times)
        print(f"{name:20} {statistics.median(rates):7.1f} {min(rates):7.1f} {max(rates):7.1f} {cpu:16.1f}")


def _model_file(folder: Path, name: str) -> Path:
    from imgclf.models import create_classifier
    from imgclf.records import ModelHeader, Preprocessing
    from imgclf.runs import save_model_file

    classifier = create_classifier(name, 1000, pretrained="no", image_size=(224, 224))
    spec = Preprocessing(
        (224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), crop_fraction=0.875, interpolation="bicubic"
    )
    names = tuple(map(str, range(1000)))
    header = ModelHeader(name, names, spec, arch_args=classifier.arch_args, head=classifier.head)
    save_model_file(folder / "model.safetensors", classifier.state_dict(), header)
    return folder / "model.safetensors"


def _ceiling(model: Path, files: list[str], batch: int) -> Callable[[], tuple[float, float]]:
    def run() -> tuple[float, float]:
        context = multiprocessing.get_context("spawn")
        barrier, results = context.Barrier(CORES + 1), context.SimpleQueue()
        parts = [files[core::CORES] for core in range(CORES)]
        workers = [
            context.Process(target=_bare_loop, args=(model, part, batch, barrier, results)) for part in parts
        ]
        for worker in workers:
            worker.start()
        barrier.wait()
        start = time.perf_counter()
        cpu = sum(results.get() for _ in workers)
        wall = time.perf_counter() - start
        for worker in workers:
            worker.join()
        return wall, cpu

    return run


def _bare_loop(model: Path, files: list[str], batch: int, barrier, results) -> None:  # type: ignore[no-untyped-def]
    import torch
    from PIL import Image

    from imgclf.data import normalize_on_device, preprocess
    from imgclf.inference import Predictor

    torch.set_num_threads(1)
    predictor = Predictor.open(model, device="cpu", runtime="torch")
    network, spec = predictor.backend.classifier, predictor.header.preprocessing  # type: ignore[attr-defined]

    def compute(names: list[str]) -> None:
        pixels = [preprocess(Image.open(name).convert("RGB"), spec) for name in names]
        network(normalize_on_device(torch.from_numpy(np.stack(pixels)), spec)).softmax(1).numpy()

    with torch.inference_mode():
        for _ in range(2):
            compute(files[:batch])
        barrier.wait()
        used = time.process_time()
        for start in range(0, len(files), batch):
            compute(files[start : start + batch])
    results.put(time.process_time() - used)


def _imgclf(model: Path, files: list[str], folder: Path) -> Callable[[], tuple[float, float]]:
    from imgclf.inference import Predictor
    from imgclf.inference.batch_job import Summary, hand_on
    from imgclf.inference.outputs import Layout, open_output

    predictor = Predictor.open(model, device="cpu")
    predictor.predict(files[:8])
    layout = Layout(predictor.class_names, 5, False, predictor.fingerprint())

    def run() -> tuple[float, float]:
        start, used = time.perf_counter(), time.process_time()
        output = open_output(folder / "out.csv", layout)
        hand_on(predictor.predict_stream(files), output.write, Summary())
        output.close(True)
        return time.perf_counter() - start, time.process_time() - used

    return run


def _timm(name: str, files: list[str], batch: int) -> Callable[[], tuple[float, float]]:
    import timm
    import torch
    from timm.data import create_loader
    from torchvision import datasets

    network = timm.create_model(name, num_classes=1000).eval()

    class Files(torch.utils.data.Dataset):  # type: ignore[type-arg]
        transform = None

        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, index: int):  # type: ignore[no-untyped-def]
            return self.transform(datasets.folder.default_loader(files[index])), 0  # type: ignore[misc]

    def run() -> tuple[float, float]:
        loader = create_loader(
            Files(),
            (3, 224, 224),
            batch,
            use_prefetcher=False,
            num_workers=CORES,
            interpolation="bicubic",
            crop_pct=0.875,
            persistent_workers=False,
        )
        children = _children_cpu()
        start, used = time.perf_counter(), time.process_time()
        with torch.inference_mode():
            for images, _ in loader:
                network(images).softmax(-1).topk(5)[1].numpy()
        wall, cpu = time.perf_counter() - start, time.process_time() - used
        del loader
        return wall, cpu + _children_cpu() - children

    return run


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
