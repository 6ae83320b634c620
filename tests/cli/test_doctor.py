"""What `imgclf doctor` finds."""

import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imgclf.doctor import installation

if TYPE_CHECKING:
    from imgclf.runs import Run

pytestmark = pytest.mark.filterwarnings("default")  # some libraries warn while they are imported

RunCli = Callable[..., object]


@pytest.fixture(autouse=True)
def _few_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at two packages only: importing all of them takes seconds."""
    monkeypatch.setattr(
        installation, "_requirements", lambda: (["numpy", "pillow"], {"ui": ["no-such-package"]})
    )


def test_sound_installation_is_exit_0(run_cli: RunCli) -> None:
    """Versions, devices, caches and plugins are on stdout."""
    result = run_cli("doctor")
    assert result.code == 0, result.out
    for word in ("python", "numpy", "bf16 on cpu", "datasets", "digits", "missing no-such-package"):
        assert word in result.out
    assert result.out.endswith("No problems found.\n")
    plugins = result.out.split("Plugins\n")[1]
    assert max(map(len, plugins.splitlines())) <= 80


def test_json_holds_the_same(run_cli: RunCli) -> None:
    """A program can read it."""
    found = json.loads(run_cli("doctor", "--json").out)
    assert set(found["packages"]) == {"numpy", "pillow"}
    assert found["extras"] == {"ui": ["no-such-package"]}
    assert found["problems"] == []


def test_package_that_cannot_be_imported_is_exit_1(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation is named."""
    monkeypatch.setattr(installation, "_requirements", lambda: (["no-such-package"], {}))
    result = run_cli("doctor")
    assert result.code == 1
    assert "MISSING" in result.out
    assert result.out.endswith(
        "Problems\n  no-such-package cannot be imported: ModuleNotFoundError: No module named 'no_such_package'\n"
    )


def test_broken_plugin_is_exit_1(run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that fails to load is named, and the others are listed all the same."""
    metadata = tmp_path / "apples-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: apples\nVersion: 1.0\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text("[imgclf.datasets]\nfruit = no_such:Fruit\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    result = run_cli("doctor")
    assert result.code == 1
    assert "digits" in result.out
    assert "  The plugin 'fruit' of package apples 1.0 failed to load: ModuleNotFoundError" in result.out


def test_cache_that_cannot_be_written_is_exit_1(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is named before a download fails in it."""
    monkeypatch.setattr(installation.os, "access", lambda *_: False)
    result = run_cli("doctor")
    assert result.code == 1
    assert "cannot be written to. Allow it, or choose another." in result.out


def test_requirements_come_from_the_packages_own_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list cannot fall behind pyproject.toml."""
    monkeypatch.undo()
    needed, extras = installation._requirements()
    assert {"torch", "timm", "pillow", "typer"} <= set(needed)
    assert {"ui", "onnx", "hf"} <= set(extras)
    assert "all" not in extras


def test_checkout_that_was_never_installed_is_exit_1(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without metadata there are no plugins, and the message says how to get them."""

    def missing(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.undo()
    monkeypatch.setattr(installation, "requires", missing)
    result = run_cli("doctor")
    assert result.code == 1
    assert result.out.endswith("Problems\n  imgclf is not installed. Run in its checkout: pip install .\n")


def test_run_without_image_says_what_is_missing(run_cli: RunCli) -> None:
    """Wrong usage is exit 2."""
    result = run_cli("doctor", "runs/x")
    assert (result.code, result.err) == (
        2,
        "Error: 'imgclf doctor RUN' needs an image too, for example: imgclf doctor runs/NAME photo.jpg\n",
    )


def test_roads_of_a_run_agree(run_cli: RunCli, shapes_run: "Run", shapes: Path) -> None:
    """Evaluation, predict and the Python API give one input and one answer."""
    result = run_cli("doctor", shapes_run.path, shapes / "test" / "circle" / "00.png")
    assert (result.code, result.err) == (0, "All agree.\n")
    for road in ("training-time evaluation", "predict", "Python API"):
        assert road in result.out


def test_roads_as_json(run_cli: RunCli, shapes_run: "Run", shapes: Path) -> None:
    """A program reads hashes and probabilities."""
    result = run_cli("doctor", shapes_run.path, shapes / "test" / "circle" / "00.png", "--json")
    report = json.loads(result.out)
    assert report["first_difference"] is None
    assert len({road["pixels"] for road in report["roads"]}) == 1
    assert all(road["top"][0][0] == "circle" for road in report["roads"])
