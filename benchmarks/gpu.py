"""Every claim about CUDA, tried in one call of at most nine minutes on one GPU; rehearsed on the CPU with ``--rehearse``.

    python benchmarks/gpu.py --data-dir DIR --photos FOLDER --out gpu       # on the GPU
    python benchmarks/gpu.py --rehearse --out gpu-rehearsal                # every step, tiny, on the CPU

``DIR`` has CIFAR-10 (as downloaded, or ``cifar10/train.parquet`` and ``test.parquet``); ``FOLDER`` has some hundred
photographs, one folder for each class. Steps are ordered by worth and each is a process with a time limit of its own;
``gpu.json`` and ``gpu.md`` are written after each, with every row that a step had before it was cut.
"""

import argparse
import csv
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PORT = 8731
Rows = Iterator[tuple[str, object]]


@dataclass(frozen=True)
class Plan:
    """What differs between the real run and the rehearsal."""

    work: Path
    photos: Path
    data: tuple[str, ...]  # of the recipe's runs
    seeds: tuple[int, ...]
    recipe: tuple[str, ...]
    vgg16: tuple[str, ...]
    networks: tuple[tuple[str, int, int], ...]  # name, side, batch size
    batches: tuple[int, ...]
    device: str
    half: str
    compile: str
    maps: tuple[tuple[str, ...], ...]
    seconds: float  # of each measurement of a rate


def real(given: argparse.Namespace) -> Plan:
    """The plan for the GPU."""
    networks = (("resnet9", 32, 512), ("resnet50", 224, 128), ("vit_small_patch16_224", 224, 128))
    maps = (("--tsne", "--split", "train"), ("--umap", "--split", "train"))
    data = ("--data-dir", str(given.data_dir))
    return Plan(
        given.out,
        given.photos,
        data,
        (0, 1, 2),
        (),
        (),
        networks,
        (1, 32, 256),
        "cuda",
        "fp16",
        "true",
        maps,
        3.0,
    )


def rehearsal(given: argparse.Namespace) -> Plan:
    """The same steps with seventy drawn images, the smallest networks and one epoch."""
    photos = given.out / "shapes"
    tiny = ("--model", "mobilenetv3_small_050", "--image-size", "32")
    data = ("--data", str(photos))
    vgg16 = (*tiny, "--set", "augment.transforms=auto")
    recipe = (*tiny, "--epochs", "1", "--batch-size", "16", "--set", "optimizer.name=adamw")
    networks = (("mobilenetv3_small_050", 32, 16),)
    maps = (("--pca", "--limit", "20"),)
    return Plan(
        given.out, photos, data, (0,), recipe, vgg16, networks, (1, 4), "cpu", "fp32", "false", maps, 0.2
    )


def draw_shapes(folder: Path) -> None:
    """Two classes, 24 images each to train and 12 to test."""
    from PIL import Image, ImageDraw

    generator = Random(0)
    for split, count in (("train", 24), ("test", 12)):
        for name in ("circle", "square"):
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            for index in range(count):
                image = Image.new("RGB", (32, 32), (generator.randrange(256),) * 3)
                draw = ImageDraw.Draw(image)
                (draw.ellipse if name == "circle" else draw.rectangle)((6, 6, 24, 24), fill=(200, 60, 40))
                image.save(folder / split / name / f"{index}.png")


# The steps


def doctor(plan: Plan) -> Rows:
    """What is installed, and the tests that need a GPU."""
    import torch

    yield "torch", torch.__version__
    yield "device", torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    yield "doctor", "ran" if imgclf("doctor", "--json") else "failed"
    files = [
        path for path in (ROOT / "tests").rglob("test_*.py") if "mark.gpu" in path.read_text(encoding="utf-8")
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    yield "tests marked gpu", done.stdout.strip().splitlines()[-1]


def recipe(plan: Plan) -> Rows:
    """The recipe to its accuracy, several seeds: from the command to the saved run, and time to accuracy."""
    for seed in plan.seeds:
        begun = time.perf_counter()
        run = train(plan, "--recipe", "resnet9-cifar10-gpu", *plan.data, *plan.recipe, "--seed", str(seed))
        yield f"seed {seed}: command to finished run, s", time.perf_counter() - begun
        history = read_history(run)
        yield f"seed {seed}: in epochs, s", sum(row["seconds"] for row in history)
        yield f"seed {seed}: images a second, last epoch", history[-1]["images_per_second"]
        reached = [index for index, row in enumerate(history) if row["val_accuracy"] >= 0.94]
        spent = sum(row["seconds"] for row in history[: reached[0] + 1]) if reached else "not reached"
        yield f"seed {seed}: to 94 % of val, s", spent
        for views in ("none", "flip"):
            out = ("--tta", views, "--out", str(plan.work / f"evaluation-{seed}-{views}"))
            values = imgclf(
                "evaluate", "--run", str(run), "--device", plan.device, "--json", *out, *plan.data[-2:]
            )
            yield f"seed {seed}: test accuracy, views: {views}", accuracy_of(values)


def parity(plan: Plan) -> Rows:
    """Predictions, embeddings and saliency maps of the device beside those of the CPU."""
    import imgclf

    run, files = newest(plan), photographs(plan)[:64]
    device, cpu = (imgclf.load(str(run), where).predict(files) for where in (plan.device, "cpu"))
    pairs = [(a.probabilities, b.probabilities) for a, b in zip(device, cpu, strict=True)]
    yield "predict: largest difference of a probability", max(abs(a[k] - b[k]) for a, b in pairs for k in a)
    maps = [explain(run, files[:8], where, plan.work) for where in (plan.device, "cpu")]
    yield "explain: largest difference of a map", float(np.abs(maps[0] - maps[1]).max())
    for where in (plan.device, "cpu"):
        out = ("--out", str(plan.work / f"embed-{where}"), "--data", str(plan.photos), "--limit", "30")
        values = imgclf_json("embed", "--run", str(run), "--pca", "--device", where, *out)
        yield f"embed on {where}", "ran" if values else "failed"


def training(plan: Plan) -> Rows:
    """Training beside the ceiling of the same network: a bare loop over one resident batch."""
    for name, side, batch in plan.networks:
        settings = ("--model", name, "--image-size", str(side), "--batch-size", str(batch), "--epochs", "8")
        run = train(plan, "--data", str(plan.photos), "--no-pretrained", *settings)
        history = read_history(run)
        ours = float(np.median([row["images_per_second"] for row in history[2:]]))
        most = step_ceiling(plan, name, side, batch)
        yield f"{name} at {side}: imgclf, images a second", ours
        yield f"{name} at {side}: ceiling, images a second", most
        yield f"{name} at {side}: share of the ceiling", ours / most
        yield f"{name} at {side}: waiting for data, share", history[-1]["data_wait"]


def predicting(plan: Plan) -> Rows:
    """Predict from decoded images beside the network's own forward pass, at several batch sizes."""
    from imgclf import Predictor
    from imgclf.data import read_image

    run = newest(plan)
    images = [np.asarray(read_image(path)) for path in photographs(plan)[:64]] * 8
    for batch in plan.batches:
        predictor = Predictor.open(run, device=plan.device, batch_size=batch)
        predictor.predict(images[:batch])
        begun = time.perf_counter()
        predictor.predict(images)
        yield f"batch {batch}: imgclf, images a second", len(images) / (time.perf_counter() - begun)
        yield f"batch {batch}: forward pass alone", forward_ceiling(plan, predictor.header, batch)


def serving(plan: Plan) -> Rows:
    """The server with 32 clients."""
    photograph = Path(photographs(plan)[0]).read_bytes()
    arguments = ("serve", "--run", str(newest(plan)), "--port", str(PORT), "--device", plan.device)
    server = subprocess.Popen([sys.executable, "-m", "imgclf", *arguments], stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(server)
        begun, done = time.perf_counter(), 0
        with ThreadPoolExecutor(32) as clients:
            while time.perf_counter() - begun < plan.seconds * 2:
                done += len(list(clients.map(ask, [photograph] * 64)))
        yield "32 clients: requests a second", done / (time.perf_counter() - begun)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def resuming(plan: Plan) -> Rows:
    """A run stopped by a signal and resumed, beside one that was not: half precision with its scaler."""
    from safetensors.numpy import load_file

    settings = ("--data", str(plan.photos), *plan.vgg16, "--model", plan.networks[0][0], "--no-pretrained")
    settings = (
        *settings,
        "--image-size",
        "32",
        "--epochs",
        "4",
        "--precision",
        plan.half,
        "--batch-size",
        "16",
    )
    straight = train(plan, *settings)
    stopped = train(plan, *settings, stop_after_epoch=1)
    resumed = train(plan, "--resume", str(stopped), run=stopped)
    first, second = (load_file(run / "model.safetensors") for run in (straight, resumed))
    yield "epochs of the resumed run", len(read_history(resumed))
    yield (
        "largest difference of a weight",
        max(float(np.abs(first[name] - second[name]).max()) for name in first),
    )


def vgg16(plan: Plan) -> Rows:
    """Two epochs of the replaced system's network from scratch."""
    begun = time.perf_counter()
    settings = ("--recipe", "vgg16-cifar10", *plan.data, *plan.vgg16, "--no-pretrained", "--epochs", "2")
    run = train(plan, *settings)
    yield "command to finished run, s", time.perf_counter() - begun
    yield "images a second, last epoch", read_history(run)[-1]["images_per_second"]


def compiling(plan: Plan) -> Rows:
    """Whether ``training.compile`` pays."""
    for switch in ("false", plan.compile):
        name, side, batch = plan.networks[0]
        settings = ("--model", name, "--image-size", str(side), "--batch-size", str(batch), "--epochs", "3")
        run = train(plan, *plan.data, "--no-pretrained", *settings, "--set", f"training.compile={switch}")
        seconds = [row["seconds"] for row in read_history(run)]
        yield f"compile={switch}: first and last epoch, s", f"{seconds[0]:.2f}, {seconds[-1]:.2f}"


def embedding(plan: Plan) -> Rows:
    """Maps of all training images."""
    for arguments in plan.maps:
        begun = time.perf_counter()
        out = ("--out", str(plan.work / f"map{arguments[0]}"), "--json", "--device", plan.device)
        imgclf("embed", "--run", str(newest(plan)), *arguments, *plan.data, *out)
        yield f"{' '.join(arguments)}: s", time.perf_counter() - begun


# In the order of worth, with seconds; together at most nine minutes.
STEPS: dict[str, tuple[int, Callable[[Plan], Rows]]] = {
    "doctor": (60, doctor),
    "recipe": (120, recipe),
    "parity": (50, parity),
    "training": (75, training),
    "predicting": (40, predicting),
    "serving": (40, serving),
    "resuming": (45, resuming),
    "vgg16": (45, vgg16),
    "compiling": (35, compiling),
    "embedding": (30, embedding),
}


# What the steps share


def imgclf(*arguments: str) -> str:
    """Run a command and return what it wrote to stdout."""
    done = subprocess.run([sys.executable, "-m", "imgclf", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"imgclf {' '.join(arguments)}: {done.stderr[-600:]}")
    return done.stdout


def imgclf_json(*arguments: str) -> Any:
    """Run a command with ``--json``."""
    return json.loads(imgclf(*arguments, "--json"))


def accuracy_of(text: str) -> float:
    """Return the accuracy of an evaluation's JSON."""
    value = json.loads(text)["accuracy"]
    return float(value["value"] if isinstance(value, dict) else value)


def train(plan: Plan, *arguments: str, run: Path | None = None, stop_after_epoch: int = 0) -> Path:
    """Train and return the run; ``run`` is where one that goes on lies already."""
    runs = plan.work / "runs"
    known = set(runs.glob("*"))
    where = () if run else ("--out", str(runs))
    command = [sys.executable, "-m", "imgclf", "train", *arguments, *where, "--device", plan.device]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while stop_after_epoch and process.poll() is None:
        (found,) = set(runs.glob("*")) - known or {None}
        if found and (found / "history.csv").is_file() and len(read_history(found)) >= stop_after_epoch:
            process.send_signal(signal.SIGTERM)
            break
        time.sleep(0.02)
    said = process.communicate()[1]
    if process.returncode not in ((0, 143) if stop_after_epoch else (0,)):
        raise SystemExit(f"imgclf train {' '.join(arguments)}: {said[-600:]}")
    return run or max(set(runs.glob("*")) - known)


def newest(plan: Plan) -> Path:
    """Return the first run that the recipe made."""
    return min((plan.work / "runs").glob("*"))


def read_history(run: Path) -> list[dict[str, float]]:
    """Return the rows of history.csv."""
    with (run / "history.csv").open(encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def photographs(plan: Plan) -> list[str]:
    """Return the photographs' files."""
    return sorted(str(path) for path in plan.photos.rglob("*") if path.suffix in (".jpg", ".png"))


def explain(run: Path, files: list[str], device: str, work: Path) -> np.ndarray:
    """Return the maps (N, H, W) of some images."""
    out = ("--run", str(run), "--device", device, "--out", str(work / f"explain-{device}"))
    values = imgclf_json("explain", *files, *out)
    maps = [np.load(image["maps"][0]["map"]) for image in values["images"]]
    return np.stack([one for one in maps if one.shape == maps[0].shape])


def step_ceiling(plan: Plan, name: str, side: int, batch: int) -> float:
    """Return the images a second of a bare loop in half precision, channels last."""
    import timm
    import torch

    import imgclf.models  # noqa: F401 - registers our networks with timm

    network = timm.create_model(name, num_classes=10, **({"img_size": side} if "vit" in name else {}))
    network = network.to(plan.device, memory_format=torch.channels_last).train()
    images = torch.randn(batch, 3, side, side, device=plan.device).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (batch,), device=plan.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def step() -> None:
        with torch.autocast(plan.device, dtype=torch.bfloat16):
            loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return batch * rate(plan, step)


def forward_ceiling(plan: Plan, header: Any, batch: int) -> float:
    """Return the images a second of the network's forward pass on a resident batch, channels last, fp32."""
    import timm
    import torch

    import imgclf.models  # noqa: F401 - registers our networks with timm

    network = timm.create_model(header.arch, num_classes=len(header.class_names), **header.arch_args)
    network = network.to(plan.device, memory_format=torch.channels_last).eval()
    images = torch.randn(batch, 3, *header.preprocessing.image_size, device=plan.device)
    images = images.to(memory_format=torch.channels_last)

    def step() -> None:
        with torch.inference_mode():
            network(images)

    return batch * rate(plan, step)


def rate(plan: Plan, step: Callable[[], None]) -> float:
    """Return the calls a second of something on the device; the first ones do not count."""
    import torch

    wait = torch.cuda.synchronize if plan.device == "cuda" else lambda: None
    for _ in range(3):
        step()
    wait()
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < plan.seconds:
        step()
        count += 1
        if count % 10 == 0:
            wait()
    wait()
    return count / (time.perf_counter() - begun)


def wait_until_ready(server: "subprocess.Popen[bytes]") -> None:
    """Wait until the server can predict."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server ended")


def ask(photograph: bytes) -> int:
    """Send one image."""
    url = f"http://127.0.0.1:{PORT}/predict"
    request = urllib.request.Request(url, photograph, {"Content-Type": "image/png"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return len(response.read())


# The driver


def main() -> None:
    """Run all steps, or one of them in this process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--photos", type=Path, default=Path("photos"))
    parser.add_argument("--out", type=Path, default=Path("gpu"))
    parser.add_argument("--rehearse", action="store_true", help="tiny, on the CPU")
    parser.add_argument("--steps", nargs="*", default=list(STEPS), choices=list(STEPS))
    parser.add_argument("--one", choices=list(STEPS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.out = given.out.resolve()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.one:
        _run_one(given.one, rehearsal(given) if given.rehearse else real(given))
        return
    if given.rehearse:
        draw_shapes(given.out / "shapes")
    results = {}
    for name in given.steps:
        results[name] = _run_step(name, given)
        (given.out / "gpu.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
        (given.out / "gpu.md").write_text(_page(results), encoding="utf-8")
    print((given.out / "gpu.md").read_text(encoding="utf-8"))
    sys.exit(any(result["ended"] != "done" for result in results.values()))


def _run_one(name: str, plan: Plan) -> None:
    """Write the rows of one step as they come."""
    with (plan.work / f"{name}.jsonl").open("w", encoding="utf-8") as file:
        for what, value in STEPS[name][1](plan):
            file.write(json.dumps([what, value]) + "\n")
            file.flush()


def _run_step(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Run one step in a process of its own and collect its rows, however it ends."""
    limit = STEPS[name][0] * (10 if given.rehearse else 1)  # a rehearsal may meet a busy machine
    command = [sys.executable, __file__, *sys.argv[1:], "--one", name]
    begun = time.perf_counter()
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
    }
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    try:
        said = process.communicate(timeout=limit)[1]
        ended = "done" if process.returncode == 0 else f"failed: {said.strip()[-600:]}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        ended = f"cut after {limit} s"
    rows = given.out / f"{name}.jsonl"
    found = (
        [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()] if rows.exists() else []
    )
    return {"ended": ended, "seconds": round(time.perf_counter() - begun, 1), "rows": found}


def _page(results: dict[str, dict[str, Any]]) -> str:
    lines = ["| step | what | value |", "|---|---|---|"]
    for name, result in results.items():
        lines.append(f"| **{name}** | {result['ended'].splitlines()[-1]} | {result['seconds']} s |")
        for what, value in result["rows"]:
            lines.append(f"| | {what} | {f'{value:,.4g}' if isinstance(value, float) else value} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
