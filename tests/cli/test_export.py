"""``imgclf export``: what is written where, and what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imgclf.runs import Run

Cli = Callable[..., Any]

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # of the exporters, about each other


def test_onnx_of_the_newest_run_checked_on_its_dataset(
    run_cli: Cli, shapes: Path, shapes_run_copy: Run
) -> None:
    """With no flags the newest run is exported into itself and checked on its dataset's test images."""
    result = run_cli("export", "onnx", "--json")
    assert result.code == 0, result.err
    answer = json.loads(result.out)
    folder = f"runs/{shapes_run_copy.name}/export"
    assert answer["files"][0] == f"{folder}/model.onnx"
    assert answer["parity"]["images"] == 24
    accuracy = answer["parity"]["accuracy"]
    assert (accuracy["images"], accuracy["p_value"]) == (24, 1)
    assert accuracy["before"] == accuracy["after"] > 0.5
    assert Path(folder, "predict_onnx.py").is_file()
    again = run_cli("export", "onnx")
    assert again.code == 2
    assert again.err.endswith(
        f"Error: '{folder}/model.onnx' exists already. Name another place, or replace it with --overwrite.\n"
    )


def test_torch_file_where_it_is_wanted(run_cli: Cli, shapes: Path, shapes_run: Run) -> None:
    """--output names the file, --images the real images."""
    result = run_cli(
        "export",
        "torch",
        "--run",
        shapes_run.path,
        "--output",
        "x.pt2",
        "--images",
        shapes / "test" / "circle",
    )
    assert result.code == 0, result.err
    assert Path("x.pt2").is_file()
    assert "checking it on 8 real images" in result.err
    assert "It predicts like the run: on 8 real images a probability differs by at most " in result.err
    assert "Wrote x.pt2" in result.err


def test_without_real_images_there_is_no_export(run_cli: Cli, shapes_run_copy: Run) -> None:
    """A model file alone brings no images to check with."""
    lone = shapes_run_copy.model_file.rename("lone.safetensors")
    result = run_cli("export", "onnx", "--run", lone)
    assert result.code == 1
    assert result.err == (
        "Error: An export is checked on real images, and there are none: neither the run's examples nor its "
        "dataset can be read here. Name some with: --images FOLDER\n"
    )


def test_images_that_are_not_there_are_named(run_cli: Cli, shapes_run_copy: Run) -> None:
    """Neither the run's own images nor its dataset take the place of those that were asked for."""
    result = run_cli("export", "onnx", "--run", shapes_run_copy.path, "--images", "nofolder")
    assert result.code == 1
    assert result.err.endswith(
        "Error: An export is checked on real images, and there is none that can be read in --images nofolder. Name a "
        "file, a folder or a pattern in quotes.\n"
    )


def test_run_whose_data_is_gone_asks_for_images(run_cli: Cli, shapes_run_copy: Run) -> None:
    """The run's own examples serve where its dataset is gone; without them some are asked for."""
    config = shapes_run_copy.config.read_text().replace("shapes", "gone")
    shapes_run_copy.config.write_text(config)
    from_examples = run_cli("export", "torch", "--run", shapes_run_copy.path, "--output", "x.pt2")
    assert "checking it on 10 real images" in from_examples.err
    shutil.rmtree(shapes_run_copy.path / "examples")
    result = run_cli("export", "onnx", "--run", shapes_run_copy.path)
    assert result.code == 1
    assert "Name some with: --images FOLDER" in result.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["onnx", "--int8", "--fp16"], "--int8 and --fp16 are two precisions: give one of them."),
        (
            ["torch", "--int8"],
            "'imgclf export torch' has no --int8. These have: docker, onnx.",
        ),
        (["onnx", "--output", "x.pt2"], "The output 'x.pt2' must end in .onnx."),
        (["onnx", "folder"], "'imgclf export onnx' writes a file: imgclf export onnx --output FILE"),
        (["docker"], "'imgclf export docker' needs the folder to write to: imgclf export docker DIR"),
        (["space", "--output", "x"], "'imgclf export space' writes a folder: imgclf export space DIR"),
        (["docker", "full"], "'full' exists already. Name another place, or replace it with --overwrite."),
    ],
)
def test_wrong_usage_is_one_sentence(
    run_cli: Cli, shapes_run_copy: Run, arguments: list[str], sentence: str
) -> None:
    """What does not fit is said before anything is exported."""
    Path("full").mkdir()
    Path("full", "file").touch()
    result = run_cli("export", *arguments, "--run", shapes_run_copy.path)
    assert (result.code, result.out, result.err) == (2, "", f"Error: {sentence}\n")
