"""Docker folder and Space: complete, pinned, without training code where none is wanted."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from imgclf import __version__
from imgclf.export.onnx_export import Exported
from imgclf.export.pins import pinned
from imgclf.export.request import Request, export_model
from imgclf.export.wheel import write_wheel
from imgclf.runs import Run

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # of the exporters, about each other


@pytest.fixture(scope="module")
def docker(shapes_run: Run, shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Docker folder of the run."""
    folder = tmp_path_factory.mktemp("docker") / "image"
    export_model(Request("docker", str(shapes_run.path), folder, images=(str(shapes / "test"),)))
    return folder


@pytest.fixture(scope="module")
def space(shapes_run: Run, shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Space of the run."""
    folder = tmp_path_factory.mktemp("space") / "space"
    exported = export_model(Request("space", str(shapes_run.path), folder, images=(str(shapes / "test"),)))
    assert isinstance(exported, Exported)
    assert all(file.is_file() for file in exported.files)
    return folder


def test_docker_folder_is_complete(docker: Path) -> None:
    """What the Dockerfiles copy is there, and nothing is left to fill in."""
    names = {path.name for path in docker.iterdir()}
    wheel = f"imgclf-{__version__}-py3-none-any.whl"
    assert {"Dockerfile", "Dockerfile.cuda", "compose.yaml", ".dockerignore", wheel} <= names
    for name in ("Dockerfile", "Dockerfile.cuda", "compose.yaml"):
        text = (docker / name).read_text()
        assert "@" not in text
        copied = [line.split()[-2] for line in text.splitlines() if line.startswith("COPY")]
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
    """Page, model, script, examples and metadata; only Gradio and the script are imported."""
    names = {path.relative_to(space).as_posix() for path in space.rglob("*") if path.is_file()}
    assert {
        "app.py",
        "README.md",
        "requirements.txt",
        "model.onnx",
        "predict_onnx.py",
        "examples/0.png",
    } <= names
    tree = ast.parse((space / "app.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported == {"pathlib", "gradio", "predict_onnx"}
    assert "torch" not in (space / "requirements.txt").read_text()
    head = (space / "README.md").read_text().split("---")[1]
    settings = dict(line.split(": ", 1) for line in head.strip().splitlines())
    assert settings["title"] == '"Image classifier: resnet9"'
    assert "| trained on | shapes |" in (space / "README.md").read_text()
    assert (settings["sdk"], settings["app_file"]) == ("gradio", "app.py")


def test_space_page_answers_without_torch(space: Path) -> None:
    """The page's own function classifies an example, in a process where torch and imgclf cannot be imported."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['torch', 'timm', 'imgclf'], None))\n"
        "import app\n"
        "from PIL import Image\n"
        "answer = app.classify(Image.open(app.examples[0]))\n"
        "assert abs(sum(answer.values()) - 1) < 1e-6 and len(answer) == 3, answer\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=space, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
