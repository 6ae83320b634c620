"""Docker folder and Space: complete, pinned, without training code where none is wanted."""

import ast
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

from imgclf import __version__
from imgclf.errors import ModelError
from imgclf.export.export import Request, export_model
from imgclf.export.pins import pinned
from imgclf.export.wheel import write_plugin_wheel, write_wheel
from imgclf.inference import Predictor
from imgclf.runs import Run, read_header, update_header
from imgclf.runs.kept_images import EXAMPLES, MISCLASSIFIED, ToKeep, keep_images

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # of the exporters, about each other


@pytest.fixture(scope="module")
def docker(shapes_run: Run, shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Docker folder of the run."""
    folder = tmp_path_factory.mktemp("docker") / "image"
    export_model(Request("docker", str(shapes_run.path), folder, images=(str(shapes / "test"),)))
    return folder


@pytest.fixture(scope="module")
def evaluated(shapes_run: Run, shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that kept an example and a misclassified image, as training and evaluating leave them."""
    run = Run(shutil.copytree(shapes_run.path, tmp_path_factory.mktemp("evaluated") / "run"))
    circle = next((shapes / "test" / "circle").glob("*.png"))
    keep_images(run.path / EXAMPLES, [ToKeep(circle, "secret/circle.png", "circle")], 10)
    wrong = ToKeep(circle, "secret/circle.png", "square", "circle", 0.9)
    keep_images(run.path / MISCLASSIFIED, [wrong], 10)
    return run


@pytest.fixture(scope="module")
def space(evaluated: Run, shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Space of the run."""
    folder = tmp_path_factory.mktemp("space") / "space"
    exported = export_model(Request("space", str(evaluated.path), folder, images=(str(shapes / "test"),)))
    assert all(file.is_file() for file in exported.files)
    assert exported.report.passed
    return folder


def test_docker_folder_is_complete(docker: Path) -> None:
    """What the Dockerfiles copy is there, and nothing is left to fill in."""
    names = {path.name for path in docker.iterdir()}
    wheel = f"imgclf-{__version__}-py3-none-any.whl"
    assert {"Dockerfile", "Dockerfile.cuda", "compose.yaml", ".dockerignore", wheel} <= names
    for name in ("Dockerfile", "Dockerfile.cuda", "compose.yaml"):
        text = (docker / name).read_text()
        assert "@" not in text
        copied = [
            name
            for line in text.splitlines()
            if line.startswith("COPY")
            for name in line.split()[1:-1]
            if not name.startswith("--")
        ]
        assert set(copied) <= names


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.cuda"])
def test_image_is_unprivileged_and_watched(docker: Path, name: str) -> None:
    """The server runs as an ordinary user, is asked for its health, and ends on SIGTERM."""
    lines = (docker / name).read_text().splitlines()
    instructions = [line.split()[0] for line in lines if line and not line.startswith(("#", " "))]
    assert instructions.index("USER") < instructions.index("CMD")
    assert "USER 10001:10001" in lines
    assert {"HEALTHCHECK", "STOPSIGNAL", "EXPOSE"} <= set(instructions)
    (start,) = [line for line in lines if line.startswith("CMD")]
    assert json.loads(start.removeprefix("CMD "))[:2] == ["imgclf", "serve"]


def test_requirements_are_pinned_and_the_cpu_image_has_no_torch(docker: Path) -> None:
    """Every line names one version; only the CUDA variant installs torch."""
    cpu = (docker / "requirements.txt").read_text().splitlines()
    cuda = (docker / "requirements.cuda.txt").read_text().splitlines()
    assert all("==" in line for line in cpu + cuda)
    names = {line.split("==")[0] for line in cpu}
    assert {"onnxruntime", "fastapi", "uvicorn", "pillow", "numpy", "starlette"} <= names
    assert not {"torch", "timm", "scikit-learn"} & names
    assert "torch" in {line.split("==")[0] for line in cuda}


def test_pins_name_what_is_not_installed_without_a_version() -> None:
    """A package that is missing here is left to pip."""
    assert pinned(["no-such-package-of-ours"]) == "no-such-package-of-ours\n"


def test_wheel_holds_the_installed_code(tmp_path: Path) -> None:
    """The packed wheel is one that pip would accept: code, metadata, entry points, and a record of every file."""
    wheel = write_wheel(tmp_path)
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = f"imgclf-{__version__}.dist-info"
        record = archive.read(f"{info}/RECORD").decode().splitlines()
        assert {line.split(",")[0] for line in record} == names
        assert b"imgclf = imgclf.__main__:main" in archive.read(f"{info}/entry_points.txt")
        assert f"Version: {__version__}" in archive.read(f"{info}/METADATA").decode()
    assert {"imgclf/__init__.py", "imgclf/py.typed", "imgclf/export/templates/Dockerfile.txt"} <= names
    code = "import sys; sys.path.insert(0, sys.argv[1]); import imgclf; print(imgclf.__file__)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(wheel)], capture_output=True, text=True, check=False
    )
    assert str(wheel) in done.stdout, done.stderr


def test_space_is_complete_and_has_no_training_code(space: Path) -> None:
    """Page, network, examples, mistakes and metadata; nothing of imgclf, timm or Lightning is imported."""
    names = {path.relative_to(space).as_posix() for path in space.rglob("*") if path.is_file()}
    assert {"app.py", "network.py", "README.md", "requirements.txt", "model.pt2"} <= names
    assert {"examples/01-circle.png", "misclassified/01-square.png"} <= names
    trees = [ast.parse((space / name).read_text()) for name in ("app.py", "network.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    ours = {"network", "gradio", "torch", "numpy", "PIL"}
    assert imported - sys.stdlib_module_names == ours
    for name in ("app.py", "network.py", "README.md"):
        assert not re.search("@[A-Z]+@", (space / name).read_text())
    assert "secret" not in (space / "misclassified" / "index.csv").read_text()


def test_space_can_be_built(space: Path) -> None:
    """Its README has the metadata that Hugging Face reads, with the Python that the pinned versions are for."""
    head = (space / "README.md").read_text().split("---")[1]
    settings = dict(line.split(": ", 1) for line in head.strip().splitlines())
    assert settings["title"] == '"Image classifier: resnet9"'
    assert settings["python_version"] == f'"{sys.version_info.major}.{sys.version_info.minor}"'
    assert "| trained on | shapes |" in (space / "README.md").read_text()
    assert (settings["sdk"], settings["app_file"]) == ("gradio", "app.py")
    pins = (space / "requirements.txt").read_text().splitlines()[1:]
    assert [line.split("=")[0] for line in pins] == ["numpy", "torch", "pillow>"]


_PAGE_ALONE = """
import json, sys
sys.modules.update(dict.fromkeys(["timm", "imgclf", "lightning_fabric", "pytorch_grad_cam"], None))
import app
path = sys.argv[1]
answer, note = app.classify(path, 2)
layer, target = app.DEFAULT_LAYER, app.NAMES.index(next(iter(answer)))
image = app.network.read(path)
values = app.network.saliency(image, layer, target)
pictures = app.gallery("Misclassified images", 1, 1, layer, 0.5)
seen = app.explain(path, layer, app.PREDICTED, 0.5)
try:
    app.classify("app.py", 1)
except app.gr.Error as error:
    sentence = str(error.message)
print(json.dumps([answer, values.tolist(), app.LAYERS[layer][0], pictures[0][1], seen.size, app.MOST, sentence]))
"""


def test_space_answers_and_explains_like_the_run(space: Path, evaluated: Run, shapes: Path) -> None:
    """Without imgclf and timm the page gives predict's answer and explain's map, and refuses what is no image."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    from imgclf.explain.explainer import Explainer
    from imgclf.explain.methods import choose_methods

    image = next((shapes / "test" / "square").glob("*.png"))
    command = [sys.executable, "-W", "ignore", "-c", _PAGE_ALONE, str(image)]
    done = subprocess.run(command, cwd=space, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer, values, layer, caption, size, most, sentence = json.loads(done.stdout.splitlines()[-1])
    model = Predictor.open(evaluated.path, device="cpu")
    (ours,) = model.predict([image], top_k=2)
    assert list(answer) == [label for label, _ in ours.top_k]
    assert list(answer.values()) == pytest.approx([sure for _, sure in ours.top_k], abs=1e-5)
    explainer = Explainer(model)
    automatic = explainer.layer("auto")
    assert layer == f"{automatic.name} ({automatic.grid[0]}x{automatic.grid[1]})"
    pixels = model.prepare(image).pixels
    assert pixels is not None
    target = model.class_names.index(next(iter(answer)))
    expected = explainer.maps(pixels[None], [target], choose_methods("gradcam")[0], automatic)[0]
    np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-6)
    assert caption == "square, taken for circle (90%)"
    assert (size, most) == ([256, 256], 3)
    assert sentence == ("This file cannot be read as an image. Send JPEG, PNG, WebP, BMP, TIFF or GIF.")


@pytest.mark.parametrize("mode", ["crop", "squash", "pad"])
def test_space_lays_maps_where_the_model_looked(space: Path, mode: Any) -> None:
    """The part of an image that the page colours is the part that preprocessing shows to the model."""
    from PIL import Image

    from imgclf.data.images.preprocess import original_box
    from imgclf.records import Preprocessing

    code = {"__file__": str(space / "network.py"), "__name__": "network"}
    exec((space / "network.py").read_text(), code)
    spec = Preprocessing((31, 24), (0.5,) * 3, (0.2,) * 3, mode, 0.9, "bicubic")
    described = {**vars(spec), "image_size": list(spec.image_size)}
    for size in ((97, 53), (53, 97), (24, 31)):
        box = code["seen_box"](Image.new("RGB", size), described)  # type: ignore[operator]
        assert box == pytest.approx(original_box((size[1], size[0]), spec).box)


def test_plugin_goes_into_the_image_with_its_network(tmp_path: Path) -> None:
    """An installed package is packed as pip would take it; what was made while installing it stays behind."""
    packed = write_plugin_wheel(tmp_path, "packaging")
    assert packed is not None
    assert packed.name == f"packaging-{version('packaging')}-py3-none-any.whl"
    with ZipFile(packed) as archive:
        names = archive.namelist()
    assert "packaging/version.py" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith("INSTALLER")]
    record = f"packaging-{version('packaging')}.dist-info/RECORD"
    assert names.count(record) == 1
    assert write_plugin_wheel(tmp_path, "no-such-package-of-ours") is None


def test_plugin_that_cannot_be_packed_is_named(shapes_run: Run, shapes: Path, tmp_path: Path) -> None:
    """Without its package the network of a plugin cannot be served by PyTorch elsewhere."""
    run = Run(shutil.copytree(shapes_run.path, tmp_path / "run"))
    header = read_header(run.model_file)
    provenance = {**header.provenance, "model_package": "gone-plugin 1.0"}
    update_header(run.model_file, replace(header, provenance=provenance))
    with pytest.raises(ModelError) as caught:
        export_model(Request("docker", str(run.path), tmp_path / "image", images=(str(shapes / "test"),)))
    assert str(caught.value) == (
        "The network 'resnet9' comes from the package 'gone-plugin', whose files are not where pip puts them (an "
        "editable install?). Install it as it is, and export again: pip install PATH"
    )


def test_weights_in_the_image_tell_no_path_of_this_machine(docker: Path, shapes: Path) -> None:
    """The model file is cut down to what a stranger may know."""
    assert read_header(docker / "model.safetensors").provenance.keys() == {"dataset", "metrics", "imgclf"}
    assert str(shapes).encode() not in (docker / "model.safetensors").read_bytes()
