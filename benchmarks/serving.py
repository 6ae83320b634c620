"""How many images a second does ``imgclf serve`` answer, next to the machine's ceiling and to other servers?

    python benchmarks/serving.py FOLDER [--rounds 3] [--model mobilenetv2_100] [--litserve PATH] [--servers NAME ...]

All serve the same network (random weights, 224x224) and are sent the same photographs (500x375, 30 to 40 kB, made
from the folder's) as a form over loopback by one client with 1, 8 and 32 connections, each of which waits for its
answer before it sends the next request. Servers take turns within each round; those that wait are stopped (SIGSTOP).

- ceiling: no HTTP; one process a core, each with a bare loop of decode, resize and forward, one computing thread;
- imgclf: ``imgclf serve`` as it is; imgclf fp32: with ``--precision fp32``; imgclf torch: with ``--runtime torch``;
- before: ``imgclf serve`` of another checkout, which ``--before`` names (``git worktree add PATH COMMIT``);
- fastapi: ``async def predict(file)``, Pillow, torchvision's transforms, one image at a time;
- litserve W, B: LitServe with W workers sharing the cores and batches of at most B (10 ms of waiting where B > 1).
  Where it is not installed, ``--litserve`` names a folder that has it (``pip install --target PATH litserve``); the
  others find uvloop and httptools there too.

Printed as Markdown: medians over the rounds. On a machine that others share, compare the CPU time of a request. The client is hand-written and takes about 1 % of a core.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

CORES = len(os.sched_getaffinity(0))
CONNECTIONS = (1, 8, 32)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_LITSERVE = [f"litserve {workers}, {batch}" for workers in (1, 2) for batch in (1, 16)]
_BOUNDARY = b"imgclf-benchmark"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement, roughly")
    parser.add_argument("--model", default="mobilenetv2_100")
    parser.add_argument(
        "--ceilings", nargs="*", default=["onnx", "fp32", "bf16"], help="ONNX Runtime, or torch's precision"
    )
    parser.add_argument("--before", default="", help="a checkout to compare with")
    parser.add_argument("--litserve", default="")
    parser.add_argument("--servers", nargs="*", default=["imgclf", "imgclf fp32", "fastapi", *_LITSERVE])
    given = parser.parse_args()
    images = _photographs(given.folder, given.images)
    with tempfile.TemporaryDirectory() as folder, _all_started(given, Path(folder)) as servers:
        model = Path(folder) / "model.safetensors"
        rates: dict[str, list[tuple[float, float]]] = {}
        times: dict[tuple[str, int], list[tuple[float, float, float, float]]] = {}
        for _ in range(given.rounds):
            for name, measured in _ceilings(model, images, given.ceilings, given.seconds):
                rates.setdefault(name, []).append(measured)
            for name, (process, port) in servers.items():
                with _awake(process):
                    for connections in CONNECTIONS:
                        before = _cpu_seconds(process.pid)
                        *measured, asked = asyncio.run(_measure(port, images, connections, given.seconds))
                        cpu = 1e3 * (_cpu_seconds(process.pid) - before) / asked
                        times.setdefault((name, connections), []).append((*measured, cpu))
        _print_tables(given, images, rates, times)


def _print_tables(given, images, rates, times) -> None:  # type: ignore[no-untyped-def]
    sizes = sorted(len(image) for image in images)
    print(
        f"{given.model}, {len(images)} JPEGs of {sizes[0] / 1e3:.0f} to {sizes[-1] / 1e3:.0f} kB, {CORES} cores, "
        f"{given.rounds} rounds, load {os.getloadavg()[0]:.1f}\n"
    )
    print("| ceiling | img/s | CPU ms an image |\n|---|---|---|")
    for name, values in rates.items():
        rate, cpu = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"| {name} | {rate:.1f} | {cpu:.1f} |")
    print(
        "\n| server | "
        + " | ".join(f"{count}: req/s | p50 | p99 ms | CPU ms" for count in CONNECTIONS)
        + " |"
    )
    print("|---" * (1 + 4 * len(CONNECTIONS)) + "|")
    for name in given.servers:
        cells = []
        for connections in CONNECTIONS:
            rate, middle, late, cpu = (
                statistics.median(column) for column in zip(*times[name, connections], strict=True)
            )
            cells.append(f"{rate:.1f} | {middle:.1f} | {late:.1f} | {cpu:.1f}")
        print(f"| {name} | " + " | ".join(cells) + " |")


# --- The images and the client


def _photographs(folder: Path, count: int) -> list[bytes]:
    """Return JPEGs of 500x375 pixels, each at the best quality that keeps it at 40 kB or less."""
    from PIL import Image

    files = sorted(folder.rglob("*.jpg"))
    images = []
    for path in files[:: max(1, len(files) // count)][:count]:
        photograph = Image.open(path).convert("RGB").resize((500, 375), Image.Resampling.BICUBIC)
        for quality in range(95, 50, -3):
            buffer = BytesIO()
            photograph.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= 40_000:
                break
        images.append(buffer.getvalue())
    return images


def _request(image: bytes) -> bytes:
    head = (
        b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    body = b"--%b\r\n%b%b\r\n--%b--\r\n" % (_BOUNDARY, head, image, _BOUNDARY)
    kind = b"multipart/form-data; boundary=" + _BOUNDARY
    return (
        b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (kind, len(body), body)
    )


async def _measure(
    port: int, images: list[bytes], connections: int, seconds: float
) -> tuple[float, float, float, int]:
    """Return requests per second, the median and 99th percentile of their milliseconds, and how many all in all."""
    requests = [_request(image) for image in images]
    warm_up = await _asked(port, requests, connections, seconds / 4)
    done = await _asked(port, requests, connections, seconds)
    latencies = sorted(1e3 * (end - start) for start, end in done)
    # The last answers come when other connections have none under way: rate from the requests that ended in time.
    begun = min(start for start, _ in done)
    inside = sum(end <= begun + seconds for _, end in done)
    late = latencies[int(0.99 * (len(latencies) - 1))]
    return inside / seconds, statistics.median(latencies), late, len(warm_up) + len(done)


def _cpu_seconds(group: int) -> float:
    """Return the CPU time of all processes of a group so far."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = file.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def _asked(
    port: int, requests: list[bytes], connections: int, seconds: float
) -> list[tuple[float, float]]:
    """Keep so many requests under way for some time; return when each began and ended."""
    until = time.perf_counter() + seconds
    done: list[tuple[float, float]] = []

    async def ask(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        while (start := time.perf_counter()) < until:
            number += connections
            writer.write(requests[number % len(requests)])
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if not head.startswith(b"http/1.1 200"):
                raise RuntimeError(head.decode())
            await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r")[0]))
            done.append((start, time.perf_counter()))
        writer.close()

    await asyncio.gather(*(ask(number) for number in range(connections)))
    return done


# --- The servers


@contextmanager
def _all_started(
    given: argparse.Namespace, folder: Path
) -> Iterator[dict[str, tuple[subprocess.Popen, int]]]:  # type: ignore[type-arg]
    """Start each server, wait until it answers, and stop it until its turn; end them all."""
    subprocess.run([sys.executable, __file__, "--child", "model", given.model, str(folder)], check=True)
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), given.litserve]))
    servers: dict[str, tuple[subprocess.Popen, int]] = {}  # type: ignore[type-arg]
    try:
        for port, name in enumerate(given.servers, 18_300):
            command = _command(name, given.model, folder / "model.safetensors", port)
            # imgclf runs as pip installs it, without the others' accelerators.
            found = given.before if name.startswith("before") else "" if command[0] == "-m" else path
            environment = {**os.environ, "PYTHONPATH": found} if found else dict(os.environ)
            with (folder / "log").open("a") as log:
                process = subprocess.Popen(
                    [sys.executable, *command],
                    env=environment,
                    cwd=folder,  # where no checkout lies
                    start_new_session=True,
                    stdout=log,
                    stderr=log,
                )
            servers[name] = process, port
            _wait_for(port, process, folder / "log")
            if command[0] == "-m":
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/model") as answer:
                    card = json.load(answer)
                print(
                    f"{name}: {card['backend']}, {card['precision']}, at most {card['batch_cap']} images at once"
                )
            os.killpg(process.pid, signal.SIGSTOP)
        yield servers
    finally:
        for process, _ in servers.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _command(name: str, model: str, file: Path, port: int) -> list[str]:
    if name.startswith(("imgclf", "before")):
        command = ["-m", "imgclf", "serve", "--model-file", str(file), "--port", str(port)]
        choice = name.partition(" ")[2]
        option = "--runtime" if choice == "torch" else "--precision"
        return [*command, option, choice] if choice else command
    if name == "fastapi":
        return [str(Path(__file__).resolve()), "--child", name, model, str(port)]
    workers, batch = name.removeprefix("litserve ").split(", ")
    return [str(Path(__file__).resolve().with_name("serving_litserve.py")), model, workers, batch, str(port)]


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:  # type: ignore[type-arg]
    for _ in range(600):
        time.sleep(0.1)
        if process.poll() is not None:
            raise SystemExit(f"a server ended:\n{log.read_text()}")
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return
    raise SystemExit(f"a server did not start:\n{log.read_text()}")


@contextmanager
def _awake(process: subprocess.Popen) -> Iterator[None]:  # type: ignore[type-arg]
    os.killpg(process.pid, signal.SIGCONT)
    yield
    os.killpg(process.pid, signal.SIGSTOP)


def _network(name: str):  # type: ignore[no-untyped-def]
    """Return the network and torchvision's transforms, as anybody would write them down."""
    import timm
    from torchvision import transforms

    network = timm.create_model(name, num_classes=1000).eval()
    resize = transforms.Resize(256, transforms.InterpolationMode.BICUBIC)
    steps = [resize, transforms.CenterCrop(224), transforms.ToTensor(), transforms.Normalize(_MEAN, _STD)]
    return network, transforms.Compose(steps)


def _serve_fastapi(name: str, port: int) -> None:
    import torch
    import uvicorn
    from fastapi import FastAPI, UploadFile
    from PIL import Image

    network, transform = _network(name)
    app = FastAPI()

    @app.get("/health")
    async def health() -> str:
        return "ok"

    @app.post("/predict")
    async def predict(file: UploadFile) -> dict[str, object]:
        image = Image.open(BytesIO(await file.read())).convert("RGB")
        with torch.inference_mode():
            probabilities = network(transform(image)[None]).softmax(1)[0]
        confidence, label = probabilities.max(0)
        everything = {str(index): value for index, value in enumerate(probabilities.tolist())}
        return {"class": int(label), "confidence": float(confidence), "probabilities": everything}

    uvicorn.run(app, port=port, log_level="warning")


def _make_model(name: str, folder: Path) -> None:
    from imgclf.models import create_classifier
    from imgclf.records import ModelHeader, Preprocessing
    from imgclf.runs import save_model_file

    classifier = create_classifier(name, 1000, pretrained="no", image_size=(224, 224))
    spec = Preprocessing((224, 224), _MEAN, _STD, crop_fraction=0.875, interpolation="bicubic")
    header = ModelHeader(
        name, tuple(map(str, range(1000))), spec, arch_args=classifier.arch_args, head=classifier.head
    )
    save_model_file(folder / "model.safetensors", classifier.state_dict(), header)


# --- The ceiling


def _ceilings(
    model: Path, images: list[bytes], kinds: list[str], seconds: float
) -> Iterator[tuple[str, tuple[float, float]]]:
    for precision in kinds:
        yield f"{precision}, one core", _ceiling(model, images, precision, 1, 1, seconds / 2)
        for batch in (1, 4):
            name = f"{precision}, all cores, batch {batch}"
            yield name, _ceiling(model, images, precision, batch, CORES, seconds)


def _ceiling(
    model: Path, images: list[bytes], precision: str, batch: int, cores: int, seconds: float
) -> tuple[float, float]:
    """Return images per second of bare loops, one a core, and the CPU milliseconds of an image."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(cores), context.SimpleQueue()
    arguments = (model, images, precision, batch, seconds, barrier, results)
    workers = [context.Process(target=_bare_loop, args=arguments) for _ in range(cores)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    rates, times = zip(*(results.get() for _ in workers), strict=True)
    return float(sum(rates)), float(statistics.mean(times))


def _bare_loop(model, images, precision, batch, seconds, barrier, results) -> None:  # type: ignore[no-untyped-def]
    import numpy as np
    import torch
    from PIL import Image

    from imgclf.data import normalize_on_device, preprocess
    from imgclf.inference import Predictor

    torch.set_num_threads(1)
    by_onnx = precision == "onnx"
    predictor = (
        Predictor.open(model, device="cpu", runtime="onnx")
        if by_onnx
        else Predictor.open(model, device="cpu", precision=precision, runtime="torch")
    )
    predictor.limit_threads(1)
    network, spec = predictor.backend, predictor.header.preprocessing
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32

    def compute(first: int) -> None:
        chosen = [images[(first + index) % len(images)] for index in range(batch)]
        pixels = [preprocess(Image.open(BytesIO(image)).convert("RGB"), spec) for image in chosen]
        if by_onnx:
            torch.from_numpy(network.logits(np.stack(pixels))).softmax(1)
            return
        inputs = normalize_on_device(torch.from_numpy(np.stack(pixels)), spec).to(dtype)
        network.classifier(inputs).float().softmax(1).numpy()

    with torch.inference_mode():
        for _ in range(3):
            compute(0)
        barrier.wait()
        begun, cpu, done = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() < begun + seconds:
            compute(done)
            done += batch
    results.put((done / (time.perf_counter() - begun), 1e3 * (time.process_time() - cpu) / done))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        kind, model, place = sys.argv[2:]
        _make_model(model, Path(place)) if kind == "model" else _serve_fastapi(model, int(place))
    else:
        main()
